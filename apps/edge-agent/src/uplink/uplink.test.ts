import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { sha256Hex } from '@raypher/ledger';
import { type CommandPayload, MAX_BATCH_BYTES, Phase, StateSlot } from '@raypher/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { enroll } from '../identity/enroll.ts';
import { openDatabase } from '../store/database.ts';
import { PolicySigner } from '../testing/policy-signer.ts';
import { TestControlPlane } from '../testing/test-control-plane.ts';
import { networkEvent, TestFleet } from '../testing/test-fleet.ts';

const OPENING = {
  kind: 'request',
  process: { pid: 7, startTime: 1 },
  agent: undefined,
  host: 'api.openai.com',
  port: 443,
  method: 'POST',
  path: '/v1/chat/completions',
  provider: 'openai',
  model: 'gpt-4o',
  rule: { layer: 'global', id: 'default', revision: 1 },
} as const;

let plane: TestControlPlane;
let fleet: TestFleet;

beforeEach(async () => {
  plane = await TestControlPlane.start();
  fleet = await TestFleet.enrol(plane);
});
afterEach(async () => {
  await fleet.close();
  await plane.stop();
});

test('the first message says who this is and what it is running', async () => {
  const device = fleet.open();
  await device.ledger.record(networkEvent('before'));
  const greeted = plane.hello();
  device.uplink.start();
  expect(await greeted).toMatchObject({
    deviceId: fleet.enrolment.device,
    protocolVersion: 1,
    arch: process.arch,
    queueDepth: 1n,
    ledgerHead: { seq: 1n, hash: Buffer.from(device.ledger.head.hash, 'hex') },
    applied: { policy: { revision: 0n, digest: Buffer.alloc(0) } },
  });
});

test('what was recorded while offline arrives in order and is signed', async () => {
  const device = fleet.open();
  for (let i = 0; i < 1300; i++) device.ledger.note(networkEvent(`offline ${i}`));
  device.ledger.flush();
  await fleet.connect(device);
  await plane.durable(1300);
  expect(plane.entries.map((entry) => entry.seq)).toEqual(Array.from({ length: 1300 }, (_, i) => i + 1));
  expect(plane.received.filter((body) => body.$case === 'events').length).toBeGreaterThanOrEqual(3);
});

test('private parts travel with their entries, never more in a batch than fits, and erased ones do not', async () => {
  const device = fleet.open();
  await device.ledger.record({ ...networkEvent('erased'), private: { sample: 'gone' } });
  device.log.erasePrivate(Date.now() + 1_000);
  const sample = 's'.repeat(15_000);
  for (let i = 0; i < 150; i++) {
    device.ledger.note({ ...networkEvent(`part ${i}`), ...(i === 7 ? {} : { private: { sample } }) });
  }
  device.ledger.flush();
  await fleet.connect(device);
  await plane.durable(151);
  expect(plane.privateParts.size).toBe(149);
  for (const { seq, private: commitment } of plane.entries) {
    const part = plane.privateParts.get(seq);
    if (part === undefined) expect([1, 9]).toContain(seq);
    else expect(commitment).toBe(sha256Hex(Buffer.from(part)));
  }
  expect(plane.entries[0]?.private).toMatch(/^[0-9a-f]{64}$/);
  const sizes = plane.received.flatMap((body) =>
    body.$case === 'events'
      ? [body.value.privateParts.reduce((sum, { content }) => sum + content.length, 0)]
      : [],
  );
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_BATCH_BYTES);
});

test('what is open is told while somebody watches, and not before or after', async () => {
  const device = fleet.open();
  const { connections } = device;
  const told = () => plane.received.filter(({ $case }) => $case === 'connections');
  await fleet.connect(device);
  const first = connections.open(OPENING);
  const hasBeat = plane.heartbeat();
  device.uplink.beat();
  await hasBeat;
  expect(told()).toEqual([]);

  const message = () => plane.next((body) => (body.$case === 'connections' ? body.value : undefined));
  const snapshot = message();
  plane.send({ $case: 'pace', value: { heartbeatMs: 30_000, connectionsEveryMs: 250 } });
  expect(await snapshot).toMatchObject({ snapshot: true, open: [{ id: first.state.id }], total: 1 });
  const end = message();
  first.close();
  expect(await end).toMatchObject({ snapshot: false, closed: [first.state.id] });

  const calm = plane.heartbeat();
  plane.send({ $case: 'pace', value: { heartbeatMs: 5_000, connectionsEveryMs: 0 } });
  await calm;
  const before = told().length;
  connections.open(OPENING);
  const beaten = plane.heartbeat();
  device.uplink.beat();
  await beaten;
  expect(told()).toHaveLength(before);
});

test('no more batches are sent than there are credits', async () => {
  plane.credits = 0;
  const device = fleet.open();
  for (let i = 0; i < 1300; i++) device.ledger.note(networkEvent(`waiting ${i}`));
  device.ledger.flush();
  await fleet.connect(device);
  plane.send({ $case: 'credit', value: { batches: 2 } });
  await plane.durable(1024);
  const beat = plane.heartbeat();
  plane.send({ $case: 'pace', value: { heartbeatMs: 5000, connectionsEveryMs: 0 } });
  expect((await beat).queueDepth).toBeGreaterThan(0n);
  expect(plane.head.seq).toBe(1024);
});

test('after the server was away each entry is in the ledger once', async () => {
  const device = fleet.open();
  await fleet.connect(device);
  await device.ledger.record(networkEvent('one'));
  await plane.durable(1);
  plane.closeLink();
  for (let i = 0; i < 20; i++) await device.ledger.record(networkEvent(`away ${i}`));
  const back = plane.hello();
  await plane.openLink();
  await back;
  await plane.durable(21);
  expect(plane.entries.map((entry) => entry.seq)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
});

test('a control plane that was restored from a backup gets again what it lost', async () => {
  const device = fleet.open();
  await fleet.connect(device);
  for (let i = 0; i < 3; i++) await device.ledger.record(networkEvent(`before ${i}`));
  await plane.durable(3);
  const backup = plane.head;
  for (let i = 0; i < 3; i++) await device.ledger.record(networkEvent(`since ${i}`));
  await plane.durable(6);
  plane.closeLink();
  plane.head = backup;
  plane.entries.splice(backup.seq);
  const back = plane.hello();
  await plane.openLink();
  await back;
  await plane.durable(6);
  expect(plane.entries.map((entry) => entry.seq)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(plane.entries.map((entry) => entry.type)).not.toContain('tamper.suspected');
});

test('a device whose store was rolled back goes on where the control plane is, and says so', async () => {
  const first = fleet.open();
  await fleet.connect(first);
  for (let i = 0; i < 5; i++) await first.ledger.record(networkEvent(`before ${i}`));
  await plane.durable(5);
  await first.close();
  const second = fleet.open('backup.db');
  await fleet.connect(second);
  expect(await plane.entry('tamper.suspected')).toMatchObject({ data: { code: 'ledger/rolled-back' } });
  await second.ledger.record(networkEvent('after'));
  await plane.durable(7);
  expect(plane.entries.map((entry) => entry.seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('a ledger that replaced a damaged one is joined without suspicion', async () => {
  const first = fleet.open();
  await fleet.connect(first);
  await first.ledger.record(networkEvent('before'));
  await plane.durable(1);
  await first.close();
  const second = fleet.open('fresh.db');
  second.log.setRestarted(true);
  await second.ledger.record(networkEvent('recorded before the link was up'));
  const greeted = plane.hello();
  second.uplink.start();
  expect((await greeted).ledgerHead?.seq).toBe(0n);
  await plane.durable(2);
  expect(plane.entries.at(-1)).toMatchObject({ seq: 2, target: 'recorded before the link was up' });
  expect(plane.entries.map((entry) => entry.type)).not.toContain('tamper.suspected');
});

test('a policy goes through received, verified and applied, and is reported with its digest', async () => {
  const device = fleet.open();
  await fleet.connect(device);
  const slot = plane.signer.slot(fleet.policy(4));
  const phases = [Phase.PHASE_RECEIVED, Phase.PHASE_VERIFIED, Phase.PHASE_APPLIED];
  const acks = phases.map((phase) => plane.ack(phase, 4));
  plane.offer(slot);
  expect((await Promise.all(acks))[2]).toMatchObject({ affected: 3, digest: slot.digest });
  const beat = plane.heartbeat();
  device.uplink.beat();
  expect((await beat).applied?.policy).toEqual({ revision: 4n, digest: slot.digest });
  expect(await plane.entry('policy.applied')).toMatchObject({ data: { revision: 4 } });
});

test('the same revision again is acknowledged without being applied again', async () => {
  const device = fleet.open();
  await fleet.connect(device);
  await plane.deploy(fleet.policy(4));
  device.policy.failure = new Error('it must not be called');
  const repeated = plane.ack(Phase.PHASE_APPLIED, 4);
  const [slot] = plane.offered.slice(-1);
  if (slot !== undefined) plane.offer(slot);
  expect(await repeated).toMatchObject({ affected: 3 });
});

test.each<[string, string, () => StateSlot]>([
  ['of a lower revision', 'bundle/revision-not-monotonic', () => plane.signer.slot(fleet.policy(3))],
  [
    'of the same revision with other content',
    'bundle/revision-not-monotonic',
    () => plane.signer.slot(fleet.policy(4, { documents: [{ layer: 'global', source: 'mode: monitor' }] })),
  ],
  ['signed by another key', 'bundle/signature-invalid', () => new PolicySigner().slot(fleet.policy(5))],
  [
    'signed by another key under the known id',
    'bundle/signature-invalid',
    () => {
      const slot = new PolicySigner().slot(fleet.policy(5));
      if (slot.bundle !== undefined) slot.bundle.keyId = plane.signer.keyId;
      return slot;
    },
  ],
  [
    'of another organisation',
    'bundle/wrong-organisation',
    () => plane.signer.slot(fleet.policy(5, { organisation: randomUUID() })),
  ],
  [
    'with a changed byte',
    'bundle/signature-invalid',
    () => {
      const slot = plane.signer.slot(fleet.policy(5));
      const payload = Buffer.from(String(slot.bundle?.payload).replace('"revision":5', '"revision":6'));
      if (slot.bundle !== undefined) slot.bundle.payload = payload;
      return { ...slot, digest: createHash('sha256').update(payload).digest() };
    },
  ],
  [
    'with another digest than announced',
    'bundle/digest-mismatch',
    () => ({ ...plane.signer.slot(fleet.policy(5)), digest: Buffer.alloc(32) }),
  ],
  [
    'announced under another revision',
    'bundle/digest-mismatch',
    () => ({ ...plane.signer.slot(fleet.policy(5)), revision: 9n }),
  ],
  ['that is a freeze', 'bundle/signature-invalid', () => plane.signer.slot(fleet.freeze(5))],
  [
    'without content',
    'bundle/digest-mismatch',
    () => StateSlot.fromPartial({ revision: 5n, digest: Buffer.alloc(32) }),
  ],
])('a policy %s is refused and the last good one stays in force', async (_what, code, make) => {
  const device = fleet.open();
  await fleet.connect(device);
  await plane.deploy(fleet.policy(4));
  const rejected = plane.rejection();
  plane.offer(make());
  expect(await rejected).toMatchObject({ code });
  expect(device.policy.current()?.revision).toBe(4);
  expect(await plane.entry('policy.refused')).toMatchObject({ data: { code } });
});

test('a device that moved to another team takes the variant of its revision that is meant for it', async () => {
  const device = fleet.open();
  await fleet.connect(device);
  await plane.deploy(fleet.policy(4));
  const documents = [{ layer: 'team' as const, team: randomUUID(), source: 'mode: monitor' }];
  await plane.deploy(fleet.policy(4, { documents }));
  const [, second] = plane.offered;
  expect(device.policy.current()?.digest).toBe(second?.digest.toString('hex'));
});

test('an enforcer that says something else than it was given is not believed', async () => {
  const device = fleet.open();
  await fleet.connect(device);
  device.policy.apply = async () => 1;
  const rejected = plane.rejection();
  plane.offer(plane.signer.slot(fleet.policy(4)));
  expect(await rejected).toMatchObject({ code: 'bundle/not-enforced' });
});

test('the applied policy is in force again after a restart without a network', async () => {
  const device = fleet.open();
  await fleet.connect(device);
  await plane.deploy(fleet.policy(4));
  await device.close();
  const again = fleet.open();
  expect(await again.policyState.restore()).toBe(true);
  expect(again.policy.current()).toMatchObject({ revision: 4 });
});

test('a stored policy that was changed on disk is not put in force, and that is recorded', async () => {
  const device = fleet.open();
  await fleet.connect(device);
  await plane.deploy(fleet.policy(4));
  await device.close();
  const { db } = openDatabase(join(fleet.folder, 'agent.db'));
  db.exec(
    "UPDATE state_slots SET payload = CAST(replace(CAST(payload AS TEXT), 'policy', 'freeze') AS BLOB)",
  );
  db.close();
  const again = fleet.open();
  expect(await again.policyState.restore()).toBe(false);
  expect(again.policy.current()).toBeUndefined();
  await fleet.connect(again);
  expect(await plane.entry('tamper.suspected')).toMatchObject({ data: { kind: 'policy' } });
});

test('a revision that was accepted before a restart cannot be undercut after it', async () => {
  const device = fleet.open();
  await fleet.connect(device);
  await plane.deploy(fleet.policy(4));
  await device.close();
  await fleet.connect(fleet.open());
  const rejected = plane.rejection();
  plane.offer(plane.signer.slot(fleet.policy(3)));
  expect(await rejected).toMatchObject({ code: 'bundle/revision-not-monotonic' });
});

test('a command runs once, however often it arrives, and its result is repeated', async () => {
  const device = fleet.open();
  await fleet.connect(device);
  const payload = fleet.command();
  for (let i = 0; i < 3; i++) {
    expect(await plane.order(payload)).toMatchObject({ ok: true, resultJson: '{"done":1}' });
  }
  await device.close();
  const again = fleet.open();
  await fleet.connect(again);
  expect(await plane.order(payload)).toMatchObject({ ok: true, resultJson: '{"done":1}' });
  expect([...device.ran, ...again.ran]).toHaveLength(1);
});

test.each<[string, string, () => Partial<CommandPayload>]>([
  ['that has expired', 'bundle/expired', () => ({ expiresAt: new Date(Date.now() - 1).toISOString() })],
  ['for another device', 'device/identity-mismatch', () => ({ device: randomUUID() })],
  ['of another organisation', 'bundle/wrong-organisation', () => ({ organisation: randomUUID() })],
])('a command %s is refused', async (_what, code, changes) => {
  const device = fleet.open();
  await fleet.connect(device);
  expect(await plane.order(fleet.command(changes()))).toMatchObject({ ok: false, code });
  expect(device.ran).toEqual([]);
  expect(await plane.entry('command.refused')).toMatchObject({ data: { code } });
});

test('told to come back later, the device waits at least that long', async () => {
  const device = fleet.open();
  await fleet.connect(device);
  const back = plane.hello();
  const asked = performance.now();
  plane.send({ $case: 'retry', value: { afterMs: 700, reason: 'restarting' } });
  await back;
  // Timers count whole milliseconds.
  expect(performance.now() - asked).toBeGreaterThan(699);
});

test('a control plane with another root is not talked to', async () => {
  const impostor = await TestControlPlane.start();
  try {
    const { link } = await enroll(impostor.server, impostor.token, fleet.keys);
    fleet.enrolment = { ...fleet.enrolment, link };
    const device = fleet.open();
    device.uplink.start();
    await expect.poll(() => device.uplink.status.reason).not.toBe('');
    expect(impostor.connections).toBe(0);
  } finally {
    await impostor.stop();
  }
});
