import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { followLog, parseCheckpoint, parseNote, readLogKeyStatement } from '@raypher/ledger';
import { Heartbeat, type LogCheckpoint, type LogSeen } from '@raypher/shared';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LedgerService } from '../ledger/ledger.service.ts';
import { FoundingService } from '../tenancy/founding.service.ts';
import { LogInstallation } from '../testing/log-installation.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { TestStream } from '../testing/test-stream.ts';

let log: LogInstallation;
let device: TestDevice;

beforeAll(async () => {
  log = await LogInstallation.start((connectionString) => new pg.Client({ connectionString }));
  device = await log.deviceWith(5);
});
afterEach(() => device.close());
afterAll(async () => {
  await log.stop();
});

/** Until there is a checkpoint of everything. */
async function signed(organisation = log.organisation): Promise<string> {
  await log.settle();
  const newest = async () => {
    await log.writer.round();
    const [row] = await log.query<{ note: string; isWhole: boolean }>(
      `SELECT c.note, c.size = l.size AS "isWhole" FROM ledger_checkpoints c JOIN ledger_logs l USING (organisation_id)
        WHERE organisation_id = $1 ORDER BY c.size DESC LIMIT 1`,
      [organisation],
    );
    return row?.isWhole === true ? row.note : undefined;
  };
  let note: string | undefined;
  await expect
    .poll(async () => {
      note = await newest();
      return note;
    })
    .toBeDefined();
  return note ?? '';
}

function beat(stream: TestStream, logSeen: LogSeen | undefined): void {
  const value = Heartbeat.fromPartial({ atMs: BigInt(Date.now()) });
  stream.send({ $case: 'heartbeat', value: { ...value, logSeen } });
}

const seenIn = (note: string): LogSeen => {
  const { origin, size } = parseCheckpoint(parseNote(note).text);
  return { origin, size: BigInt(size) };
};
const NOTHING: LogSeen = { origin: '', size: 0n };

/** On a stream of its own: a device is shown the log at its first heartbeat. */
async function shown(seen: LogSeen, to = device): Promise<LogCheckpoint> {
  const stream = await to.open(log.installation.linkPort);
  beat(stream, seen);
  const checkpoint = await stream.next('logCheckpoint');
  to.close();
  return checkpoint;
}

/** What the device makes of it. */
function followed(kept: string | undefined, { note, from, consistency, key }: LogCheckpoint) {
  const stated = readLogKeyStatement(key?.payload ?? Buffer.alloc(0));
  const head = kept === undefined ? undefined : parseCheckpoint(parseNote(kept).text);
  return followLog(head, { note, from: Number(from), proof: consistency }, stated.key);
}

describe('a device is shown how the log has grown', () => {
  it('from nothing, and then from where it was, with a proof', async () => {
    const first = await signed();
    const begun = await shown(NOTHING);
    expect(begun.note).toBe(first);
    expect(followed(undefined, begun)).toMatchObject({ kind: 'grown' });
    await log.send(device, 300, 100);
    const second = await signed();
    let grown = await shown(seenIn(first));
    // A head is kept for a second, for the many that ask at once.
    while (grown.note === first) grown = await shown(seenIn(first));
    expect(grown.note).toBe(second);
    expect(followed(first, grown)).toMatchObject({
      kind: 'grown',
      checkpoint: { size: Number(seenIn(grown.note).size) },
    });
    expect(grown.consistency.length).toBeGreaterThan(1);
  });

  it('once, until it is time again, and not if it does not ask', async () => {
    await signed();
    const stream = await device.open(log.installation.linkPort);
    beat(stream, undefined);
    for (let times = 0; times < 5; times += 1) beat(stream, NOTHING);
    await stream.next('logCheckpoint');
    // What it answers is in the order in which it is asked: by then it would have shown more.
    const [entry = Buffer.alloc(0)] = device.record(1);
    stream.send({ $case: 'events', value: device.batch([entry], device.head.seq) });
    await stream.durable(device.head.seq);
    expect(stream.received.filter(({ $case }) => $case === 'logCheckpoint')).toEqual([]);
  });

  it('of its own organisation, and of no other', async () => {
    const { organisation: theirsId } = await log.installation.api
      .get(FoundingService, { strict: false })
      .ensure({ organisation: 'Other', email: 'other@example.test', password: randomUUID() });
    const stranger = await log.deviceWith(2, theirsId);
    const theirs = await signed(theirsId);
    const own = await signed();
    expect(seenIn(theirs).origin).not.toBe(seenIn(own).origin);
    // What it says it saw of another log proves nothing, and opens nothing.
    expect(await shown({ ...seenIn(own), size: 1n }, stranger)).toMatchObject({
      note: theirs,
      from: 0n,
      consistency: [],
    });
  });

  it('also when it has seen more than there is, so that it can say so', async () => {
    const newest = await signed();
    const { origin, size } = seenIn(newest);
    const answer = await shown({ origin, size: size + 40n });
    expect(answer).toMatchObject({ note: newest, consistency: [] });
  });

  it('and what it keeps is told to those who ask who has seen the log, unless it cannot be so', async () => {
    const ledger = log.installation.api.get(LedgerService, { strict: false });
    const followed = async () => (await ledger.status(log.organisation)).followedUntil;
    const before = await followed();
    await log.send(device, 3);
    const newest = await signed();
    const { origin, size } = seenIn(newest);
    // A head is kept for a second, for the many that ask at once.
    while ((await shown(NOTHING)).note !== newest);
    expect(await followed()).toBe(before);
    const stream = await device.open(log.installation.linkPort);
    beat(stream, { origin, size: size + 1n });
    beat(stream, { origin: `${origin}/another`, size });
    await stream.next('logCheckpoint');
    expect(await followed()).toBe(before);
    beat(stream, { origin, size });
    await expect.poll(followed).toBe(Number(size));
    // Another device that has seen less takes nothing from it.
    const late = await log.deviceWith(1);
    expect((await shown({ origin, size: 1n }, late)).from).toBe(1n);
    expect(await followed()).toBe(Number(size));
  });

  it('unless the name that it gives is none of ours', async () => {
    const stream = await device.open(log.installation.linkPort);
    beat(stream, { origin: 'x'.repeat(5_000), size: 1n });
    expect((await stream.ended).code).toBe('link/protocol');
  });
});
