import { generateKeyPairSync, randomUUID, verify } from 'node:crypto';
import { batchStatement, EMPTY_CHAIN, extendChain } from '@raypher/ledger';
import { type EventBatch, LedgerEntry } from '@raypher/shared';
import { expect, test } from 'vitest';
import { SeededRandom } from '../random.ts';
import { createAiAgents } from './ai-agents.ts';
import { DeviceLedger, MAX_WAITING_ENTRIES } from './device-ledger.ts';
import { modelCall } from './model-call.ts';
import { SimulatedPolicy } from './simulated-policy.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const identity = { organisation: randomUUID(), device: randomUUID(), key: privateKey };
const at = new Date('2026-11-20T10:00:00.000Z');

function draft(seed: string) {
  const random = new SeededRandom(seed);
  const [agent] = createAiAgents(random, identity.device, at.getTime());
  if (agent === undefined) throw new Error('a device has at least one AI agent');
  return modelCall(random, agent, SimulatedPolicy.allowing(3));
}

function read(bytes: Uint8Array): LedgerEntry {
  return LedgerEntry.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
}

function appendMany(ledger: DeviceLedger, count: number): void {
  for (let index = 0; index < count; index += 1) ledger.append(draft(`event/${index}`), at);
}

function batchesOf(ledger: DeviceLedger): EventBatch[] {
  const batches: EventBatch[] = [];
  for (let batch = ledger.nextBatch(); batch !== undefined; batch = ledger.nextBatch()) batches.push(batch);
  return batches;
}

test('entries fit the schema and extend the chain that the control plane will walk', () => {
  const ledger = new DeviceLedger(identity);
  appendMany(ledger, 40);
  const [batch] = batchesOf(ledger);
  const walked = extendChain(EMPTY_CHAIN, batch?.entries ?? [], read);
  expect(walked).toMatchObject({ head: ledger.head });
});

test('the signature of a batch holds, and not for another device', () => {
  const ledger = new DeviceLedger(identity);
  appendMany(ledger, 3);
  const [batch] = batchesOf(ledger);
  if (batch === undefined) throw new Error('no batch');
  const statement = {
    organisation: identity.organisation,
    device: identity.device,
    firstSeq: 1,
    count: 3,
    head: batch.chainHead.toString('hex'),
  };
  expect(verify('sha256', batchStatement(statement), publicKey, batch.signature)).toBe(true);
  const elsewhere = batchStatement({ ...statement, device: randomUUID() });
  expect(verify('sha256', elsewhere, publicKey, batch.signature)).toBe(false);
});

test('a long queue is cut into batches that follow each other without a gap', () => {
  const ledger = new DeviceLedger(identity);
  appendMany(ledger, 1_300);
  const batches = batchesOf(ledger);
  expect(batches.map(({ firstSeq, entries }) => [Number(firstSeq), entries.length])).toEqual([
    [1, 512],
    [513, 512],
    [1025, 276],
  ]);
  expect(batches.at(-1)?.chainHead.toString('hex')).toBe(ledger.head.hash);
});

test('what was not confirmed is sent again after a reconnect, byte for byte', () => {
  const ledger = new DeviceLedger(identity);
  appendMany(ledger, 10);
  const before = batchesOf(ledger)[0]?.entries ?? [];
  ledger.acknowledge(4);
  ledger.rewind();
  const again = batchesOf(ledger)[0];
  expect(again?.firstSeq).toBe(5n);
  expect(again?.entries).toEqual(before.slice(4));
});

test('a confirmation of the past or of the future changes nothing it should not', () => {
  const ledger = new DeviceLedger(identity);
  appendMany(ledger, 5);
  ledger.acknowledge(3);
  ledger.acknowledge(1);
  expect(ledger.queueDepth).toBe(2);
  ledger.acknowledge(99);
  expect(ledger.queueDepth).toBe(0);
  appendMany(ledger, 1);
  expect(ledger.nextBatch()?.firstSeq).toBe(6n);
});

test('a stored ledger goes on where it stopped', () => {
  const first = new DeviceLedger(identity);
  const written = Array.from({ length: 5 }, (_, index) => first.append(draft(`event/${index}`), at)).flat();
  const second = new DeviceLedger(identity, { head: first.head, waiting: written.slice(2) });
  second.append(draft('next'), at);
  const batch = second.nextBatch();
  expect(batch?.firstSeq).toBe(3n);
  const third = written[1];
  if (third === undefined || batch === undefined) throw new Error('nothing written');
  const walked = extendChain({ seq: 2, hash: read(written[2] ?? third).prev }, batch.entries, read);
  expect(walked).toMatchObject({ head: { seq: 6 } });
});

test('a full queue drops telemetry and says so once there is room', () => {
  const ledger = new DeviceLedger(identity);
  appendMany(ledger, MAX_WAITING_ENTRIES + 7);
  expect(ledger.queueDepth).toBe(MAX_WAITING_ENTRIES);
  ledger.acknowledge(100);
  const written = ledger.append(draft('after'), at).map(read);
  expect(written.map(({ type }) => type)).toEqual(['ledger.gap', 'network.request']);
  expect(written[0]?.data.dropped).toBe(7);
});
