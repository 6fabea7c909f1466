import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChainHead, EMPTY_CHAIN, extendChain } from '@raypher/ledger';
import { type EventBatch, LedgerEntry } from '@raypher/shared';
import { afterEach, expect, test } from 'vitest';
import { type Floor, type FloorOptions, startFloor } from './floor/floor.ts';
import { Swarm, type SwarmOptions } from './swarm.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function floorWith(options: FloorOptions = {}): Promise<Floor> {
  const floor = await startFloor(options);
  cleanups.push(() => floor.close());
  return floor;
}

async function swarmOn(floor: Floor, options: Partial<SwarmOptions> = {}): Promise<Swarm> {
  const { server, token } = floor;
  const swarm = new Swarm({ server, token, devices: 20, seed: 'test', ...options });
  cleanups.push(() => swarm.stop());
  await swarm.start();
  await swarm.waitForConnected(20_000);
  return swarm;
}

/** A ledger that refuses every batch that does not continue the chain, and takes what overlaps only once. */
class StrictLedger {
  readonly heads = new Map<string, ChainHead>();
  readonly types: string[] = [];
  readonly faults: unknown[] = [];
  batches = 0;

  readonly receive = (device: string, batch: EventBatch): number | undefined => {
    this.batches += 1;
    const head = this.heads.get(device) ?? EMPTY_CHAIN;
    const fresh = batch.entries.slice(Math.max(0, head.seq + 1 - Number(batch.firstSeq)));
    const walked = extendChain(head, fresh, (bytes) =>
      LedgerEntry.parse(JSON.parse(Buffer.from(bytes).toString())),
    );
    if ('fault' in walked) {
      this.faults.push(walked.fault);
      return undefined;
    }
    this.types.push(...walked.entries.map(({ value }) => value.type));
    this.heads.set(device, walked.head);
    return walked.head.seq;
  };

  get entries(): number {
    return [...this.heads.values()].reduce((total, { seq }) => total + seq, 0);
  }
}

test('devices enrol over TLS, connect with their own certificates and report APPLIED', async () => {
  const floor = await floorWith();
  const swarm = await swarmOn(floor);
  expect(swarm.stats()).toMatchObject({ devices: 20, enrolled: 20, connected: 20, refused: 0 });
  expect(floor.streams).toBe(20);
  const revision = floor.broadcast();
  const times = await swarm.waitForApplied('policy', revision, 15_000);
  expect(new Set(times.map(({ device }) => device)).size).toBe(20);
  for (const { receivedAtMs, appliedAtMs } of times) expect(appliedAtMs).toBeGreaterThanOrEqual(receivedAtMs);
  await expect.poll(() => floor.applied).toBe(20);
});

test('a token of another installation is refused before it is sent', async () => {
  const [floor, other] = [await floorWith(), await floorWith()];
  const swarm = new Swarm({ server: floor.server, token: other.token, devices: 1, seed: 'test' });
  await expect(swarm.start()).rejects.toMatchObject({ code: 'enrolment/pin-mismatch' });
});

test('an unknown token of the right installation is refused by the control plane', async () => {
  const floor = await floorWith();
  const parts = floor.token.split('.');
  parts[2] = 'A'.repeat(43);
  const swarm = new Swarm({ server: floor.server, token: parts.join('.'), devices: 1, seed: 'test' });
  cleanups.push(() => swarm.stop());
  await expect(swarm.start()).rejects.toMatchObject({ code: 'enrolment/token-unknown' });
});

test('events arrive chained and exactly once although batches are repeated and connections break', {
  timeout: 90_000,
}, async () => {
  const ledger = new StrictLedger();
  const floor = await floorWith({
    onBatch: ledger.receive,
    resumeFrom: (device) => ledger.heads.get(device)?.seq ?? 0,
  });
  const swarm = await swarmOn(floor, { eventsPerSecond: 400, behaviour: { duplicateBatch: 0.3 } });
  for (let round = 0; round < 3; round += 1) {
    const before = ledger.entries;
    await expect.poll(() => ledger.entries).toBeGreaterThan(before + 50);
    floor.dropAll();
    await expect.poll(() => swarm.stats().endings.closed).toBe(20 * (round + 1));
    await swarm.waitForConnected(20_000);
  }
  swarm.pauseEvents();
  await swarm.waitForDurable(20_000);
  expect(ledger.faults).toEqual([]);
  expect(ledger.entries).toBe(swarm.stats().entries);
  expect(ledger.types.length).toBe(ledger.entries);
  expect(ledger.types.filter((type) => type === 'agent.started')).toHaveLength(20);
});

test('events arrive exactly once from devices that hang, cut off, repeat themselves late and read slowly', {
  timeout: 90_000,
}, async () => {
  const ledger = new StrictLedger();
  const floor = await floorWith({
    onBatch: ledger.receive,
    resumeFrom: (device) => ledger.heads.get(device)?.seq ?? 0,
  });
  const recorded = new Map<string, number>();
  const swarm = await swarmOn(floor, {
    eventsPerSecond: 400,
    behaviour: {
      resendEarlier: 0.3,
      cutAfterBatch: 0.02,
      dropPerMinute: 6,
      hangPerMinute: 12,
      readDelayMs: [0, 30],
    },
    witness: { recorded: (device, seq) => recorded.set(device, seq) },
  });
  await expect
    .poll(() => swarm.stats().endings, { timeout: 15_000 })
    .toMatchObject({ hung: expect.any(Number), dropped: expect.any(Number) });
  swarm.behave({ cutAfterBatch: 0, dropPerMinute: 0, hangPerMinute: 0 });
  swarm.pauseEvents();
  await swarm.waitForConnected(20_000);
  await swarm.waitForDurable(20_000);
  expect(ledger.faults).toEqual([]);
  const heads = [...ledger.heads].map(([device, { seq }]): [string, number] => [device, seq]);
  expect(new Map(heads)).toEqual(recorded);
});

test('clocks are as wrong as they should be, and the chain does not mind', async () => {
  const times: number[] = [];
  const floor = await floorWith();
  const swarm = await swarmOn(floor, {
    devices: 10,
    eventsPerSecond: 100,
    behaviour: { clockSkewMs: 7_200_000 },
    witness: {
      recorded: (_, __, bytes) => {
        times.push(Date.parse(LedgerEntry.parse(JSON.parse(Buffer.from(bytes).toString())).at));
      },
    },
  });
  await expect.poll(() => times.length).toBeGreaterThan(50);
  swarm.pauseEvents();
  await swarm.waitForDurable(20_000);
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(3_600_000);
});

test('a bundle that was changed on the way is refused and the last good state stays', async () => {
  const floor = await floorWith();
  const swarm = await swarmOn(floor, { devices: 3 });
  await swarm.waitForApplied('policy', floor.broadcast(), 15_000);
  floor.broadcastForged();
  await expect.poll(() => swarm.stats().rejectedStates).toBe(3);
  expect(swarm.devices.map((device) => device.revisionOf('policy'))).toEqual([1, 1, 1]);
});

test('a second start remembers who its devices are, what they applied and where their ledgers end', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'swarm-'));
  cleanups.push(() => rm(directory, { recursive: true }));
  const ledger = new StrictLedger();
  const floor = await floorWith({
    onBatch: ledger.receive,
    resumeFrom: (device) => ledger.heads.get(device)?.seq ?? 0,
  });
  const first = await swarmOn(floor, { devices: 5, directory, eventsPerSecond: 100 });
  const revision = floor.broadcast();
  await first.waitForApplied('policy', revision, 15_000);
  await first.stop();
  const second = await swarmOn(floor, { devices: 6, directory });
  expect(second.stats().enrolled).toBe(1);
  expect(second.devices.map(({ id }) => id)).toEqual(
    expect.arrayContaining(first.devices.map(({ id }) => id)),
  );
  expect(second.devices.filter((device) => device.revisionOf('policy') === revision)).toHaveLength(5);
  await second.waitForDurable(20_000);
  expect(ledger.faults).toEqual([]);
  expect(ledger.entries).toBe(second.stats().entries);
});
