import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  formatCheckpoint,
  formatVerifierKey,
  LOG_KEY_CONTEXT,
  parseCheckpoint,
  parseNote,
  proveConsistency,
  signNote,
} from '@raypher/ledger';
import { type SampleLog, sampleLog, testSigner } from '@raypher/ledger/testing';
import { LogCheckpoint } from '@raypher/shared';
import { beforeEach, describe, expect, it } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import { openDatabase } from '../store/database.ts';
import { KeptCheckpoints } from '../store/kept-checkpoints.ts';
import { PolicySigner } from '../testing/policy-signer.ts';
import { BundleVerifier } from './bundle-verifier.ts';
import { LogFollower, STATED_EVERY_MS } from './log-follower.ts';

const ORGANISATION = randomUUID();
const signer = new PolicySigner();

let log: SampleLog;
let path: string;
let now: number;
let recorded: EventDraft[];
let failures: unknown[];
let follower: LogFollower;

/** The agent's part of following, over the store that an agent has, which survives it. */
function open(): LogFollower {
  const verifier = new BundleVerifier(ORGANISATION, [signer]);
  return new LogFollower({
    store: new KeptCheckpoints(openDatabase(path).db, ORGANISATION),
    verifyLogKey: (statement) => verifier.verifyLogKey(statement),
    record: (event) => recorded.push(event),
    failed: (error) => failures.push(error),
    now: () => now,
  });
}

beforeEach(async () => {
  log = await sampleLog(40);
  path = join(mkdtempSync(join(tmpdir(), 'raypher-follower-')), 'agent.db');
  now = Date.UTC(2026, 11, 1);
  recorded = [];
  failures = [];
  follower = open();
});

const sizeOf = (note: string) => parseCheckpoint(parseNote(note).text).size;
const noteAt = (at: number) => log.checkpoints[at] ?? '';

/** What a control plane that holds this log answers to a device that told this size. */
async function shown(note: string, from: number, of = log, by = signer): Promise<LogCheckpoint> {
  const size = sizeOf(note);
  const readTiles = (ids: readonly Parameters<SampleLog['readTile']>[0][]) =>
    Promise.all(ids.map(of.readTile));
  const proof = from < size ? await proveConsistency(from, size, readTiles) : [];
  return LogCheckpoint.fromPartial({
    note,
    from: BigInt(from),
    consistency: proof.map((hash) => Buffer.from(hash)),
    key: by.statement({
      context: LOG_KEY_CONTEXT,
      organisation: ORGANISATION,
      origin: of.origin,
      vkey: of.vkey,
    }),
  });
}

describe('a device that follows the log', () => {
  it('keeps the newest checkpoint, over restarts, and says how far it is once an hour', async () => {
    expect(follower.kept).toBeUndefined();
    follower.receive(await shown(noteAt(0), 0));
    expect(recorded).toMatchObject([
      {
        type: 'ledger.followed',
        data: {
          origin: log.origin,
          size: sizeOf(noteAt(0)),
          root: Buffer.from(parseCheckpoint(parseNote(noteAt(0)).text).root).toString('hex'),
        },
      },
    ]);
    now += STATED_EVERY_MS / 2;
    follower = open();
    expect(follower.kept?.note).toBe(noteAt(0));
    follower.receive(await shown(noteAt(1), sizeOf(noteAt(0))));
    expect(follower.kept?.note).toBe(noteAt(1));
    expect(recorded).toHaveLength(1);
    now += STATED_EVERY_MS / 2;
    follower.receive(await shown(noteAt(2), sizeOf(noteAt(1))));
    expect(recorded.at(-1)).toMatchObject({ type: 'ledger.followed', data: { size: sizeOf(noteAt(2)) } });
    expect(recorded).toHaveLength(2);
    expect(failures).toEqual([]);
  });

  it('keeps what it has when another past is shown, and records both, once each', async () => {
    follower.receive(await shown(noteAt(1), 0));
    log.entries[0] = log.entries[1] ?? new Uint8Array();
    await log.rebuild();
    const forged = noteAt(0);
    const before = follower.kept;
    for (let times = 0; times < 3; times += 1) follower.receive(await shown(forged, before?.size ?? 0));
    expect(recorded.slice(1)).toMatchObject([
      {
        type: 'ledger.contradicted',
        severity: 'critical',
        data: { origin: log.origin, size: before?.size, kept: before?.note, shown: forged },
      },
    ]);
    expect(open().kept).toMatchObject({ note: before?.note, contradiction: { note: forged } });
  });

  it('is contradicted by a log that became shorter, until the log is what it was again', async () => {
    follower.receive(await shown(noteAt(1), 0));
    follower.receive(await shown(noteAt(0), sizeOf(noteAt(1))));
    expect(recorded.at(-1)).toMatchObject({ type: 'ledger.contradicted', data: { shown: noteAt(0) } });
    follower.receive(await shown(noteAt(2), sizeOf(noteAt(1))));
    expect(follower.kept).toMatchObject({ note: noteAt(2), contradiction: undefined });
  });

  it('goes with a log that begins again under another name, says so, and does not go back', async () => {
    follower.receive(await shown(noteAt(1), 0));
    const old = follower.kept;
    const next = await sampleLog(20);
    follower.receive(await shown(next.checkpoints[0] ?? '', 0, next));
    expect(recorded.slice(1)).toMatchObject([
      { type: 'ledger.renamed', severity: 'warning', data: { before: log.origin, kept: old?.note } },
      { type: 'ledger.followed', data: { origin: next.origin } },
    ]);
    follower.receive(await shown(noteAt(2), old?.size ?? 0));
    expect(follower.kept?.origin).toBe(next.origin);
    expect(recorded).toHaveLength(3);
  });

  it('does not take another key for that of a log which it knows, whoever vouches for it', async () => {
    follower.receive(await shown(noteAt(0), 0));
    const other = testSigner(log.origin);
    const text = formatCheckpoint({ origin: log.origin, size: 99, root: new Uint8Array(32) });
    const message = await shown(noteAt(1), sizeOf(noteAt(0)));
    follower.receive({
      ...message,
      note: await signNote(text, [other.signer]),
      key: signer.statement({
        context: LOG_KEY_CONTEXT,
        organisation: ORGANISATION,
        origin: log.origin,
        vkey: formatVerifierKey(other.key),
      }),
    });
    expect(recorded.at(-1)).toMatchObject({ type: 'ledger.contradicted', data: { kept: noteAt(0) } });
    expect(follower.kept?.note).toBe(noteAt(0));
  });

  it('takes nothing that the organisation’s keys did not sign, and keeps no record of it', async () => {
    const good = await shown(noteAt(0), 0);
    const stranger = new PolicySigner();
    const elsewhere = {
      context: LOG_KEY_CONTEXT,
      organisation: randomUUID(),
      origin: log.origin,
      vkey: log.vkey,
    };
    for (const message of [
      await shown(noteAt(0), 0, log, stranger),
      { ...good, key: undefined },
      { ...good, key: signer.statement(elsewhere) },
      { ...good, key: signer.statement({ kind: 'policy', organisation: ORGANISATION }) },
      { ...good, note: good.note.replace('\n', '\n1') },
      { ...good, note: 'hello' },
      { ...good, note: `${good.note}${'x'.repeat(20_000)}` },
      { ...good, consistency: Array.from({ length: 65 }, () => Buffer.alloc(32)) },
    ]) {
      follower.receive(message);
    }
    expect(failures).toHaveLength(8);
    expect(recorded).toEqual([]);
    expect(follower.kept).toBeUndefined();
  });
});
