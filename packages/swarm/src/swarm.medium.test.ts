import {
  AiAgentView,
  CreatedEnrolmentToken,
  Device,
  EventView,
  FreezeWithRollout,
  LedgerEntries,
  Overview,
  Rollout,
  Spend,
} from '@raypher/shared/rest';
import { TestInstallation } from '@raypher/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeviceBehaviour } from './device/device-behaviour.ts';
import { Swarm } from './swarm.ts';

const DEVICES = 50;

let installation: TestInstallation;
let swarm: Swarm;

beforeAll(async () => {
  installation = await TestInstallation.start('Swarm');
  const { token } = CreatedEnrolmentToken.parse(
    await installation.send('POST', '/v1/enrolment-tokens', { name: 'Swarm', maxUses: DEVICES }),
  );
  swarm = new Swarm({
    server: installation.enrolment,
    token,
    devices: DEVICES,
    seed: 'medium',
    eventsPerSecond: 200,
    behaviour: { duplicateBatch: 0.2 },
  });
  await swarm.start();
  await swarm.waitForConnected(30_000);
}, 120_000);

afterAll(async () => {
  await swarm?.stop();
  await installation?.stop();
});

async function settled(id: string): Promise<Rollout> {
  let rollout = Rollout.parse(await installation.send('GET', `/v1/rollouts/${id}`));
  await expect
    .poll(async () => {
      rollout = Rollout.parse(await installation.send('GET', `/v1/rollouts/${id}`));
      return rollout.counts.applied;
    })
    .toBe(DEVICES);
  return rollout;
}

test('every device is listed as connected and marked as simulated', async () => {
  await expect
    .poll(
      async () =>
        (await installation.readAll(Device, '/v1/devices')).filter(({ connected }) => connected).length,
    )
    .toBe(DEVICES);
  const devices = await installation.readAll(Device, '/v1/devices');
  expect(devices.every(({ simulated, hostname }) => simulated && hostname.startsWith('sim-'))).toBe(true);
});

test('a deploy reaches every device and the control plane knows', async () => {
  const rollout = Rollout.parse(await installation.deploy('first'));
  const times = await swarm.waitForApplied('policy', rollout.revision, 20_000);
  expect(times).toHaveLength(DEVICES);
  expect(await settled(rollout.id)).toMatchObject({ devices: DEVICES, counts: { rejected: 0 } });
});

test('whatever tells of one of them says that it is simulated', async () => {
  const spent = async () => Spend.parse(await installation.send('GET', '/v1/spend?group=device'));
  await expect.poll(async () => (await spent()).simulatedMicros, { timeout: 15_000 }).toBeGreaterThan(0);
  const { rows, totals, simulatedMicros } = await spent();
  expect(rows.map(({ simulated }) => simulated)).toEqual(rows.map(() => true));
  expect(simulatedMicros).toBe(totals.exactMicros + totals.estimatedMicros);
  const events = await installation.readAll(EventView, '/v1/events');
  expect(new Set(events.map(({ simulated }) => simulated))).toEqual(new Set([true]));
  const agents = await installation.readAll(AiAgentView, '/v1/agents');
  expect(new Set(agents.map(({ simulated }) => simulated))).toEqual(new Set([true]));
  await expect
    .poll(async () => {
      const { items } = LedgerEntries.parse(await installation.send('GET', '/v1/ledger/entries'));
      return new Set(items.flatMap(({ device }) => device?.simulated ?? []));
    })
    .toEqual(new Set([true]));
});

test('what they report agrees with the policy in force: nothing is blocked by one that monitors', async () => {
  const events = await installation.readAll(EventView, '/v1/events', { type: 'network.request' });
  // The policy that a new organisation starts with only monitors; the one deployed since enforces.
  for (const [revision, mode] of [
    [1, 'monitor'],
    [2, 'enforce'],
  ] as const) {
    const under = events.filter(({ policyRevision }) => policyRevision === revision);
    expect(under.length).toBeGreaterThan(0);
    expect(new Set(under.map((event) => event.mode))).toEqual(new Set([mode]));
  }
  const monitored = events.filter(({ policyRevision }) => policyRevision === 1);
  const wouldDeny = monitored.filter(({ outcome }) => outcome === 'DENY');
  const unapproved = monitored.filter(({ target }) => target.startsWith('api.deepseek.com/'));
  expect(wouldDeny).toEqual(unapproved);
});

test('the overview counts no live connection that the Watchtower cannot show', async () => {
  const { connections, devices } = Overview.parse(await installation.send('GET', '/v1/overview'));
  expect(devices.connected).toBe(DEVICES);
  expect(connections).toBe(0);
});

test('a freeze reaches every device, and so does the thaw', async () => {
  const frozen = FreezeWithRollout.parse(
    await installation.send('POST', '/v1/freezes', {
      selector: { kind: 'all' },
      reason: 'A test',
      confirm: installation.organisation,
    }),
  );
  await swarm.waitForApplied('freeze', frozen.rollout.revision, 20_000);
  expect((await settled(frozen.rollout.id)).affected).toBeGreaterThanOrEqual(DEVICES);
  const thawed = FreezeWithRollout.parse(
    await installation.send('POST', `/v1/freezes/${frozen.freeze.id}/thaw`, { reason: 'A test' }),
  );
  await swarm.waitForApplied('freeze', thawed.rollout.revision, 20_000);
});

test('a fleet that lost its link comes back, catches up and has every event exactly once', {
  timeout: 90_000,
}, async () => {
  installation.link.kill('SIGKILL');
  await expect.poll(() => swarm.stats().connected).toBe(0);
  const rollout = Rollout.parse(await installation.deploy('while-away'));
  await installation.link.untilUp();
  await swarm.waitForConnected(60_000);
  await swarm.waitForApplied('policy', rollout.revision, 30_000);
  swarm.pauseEvents();
  await swarm.waitForDurable(20_000);
  for (const device of swarm.devices) {
    const events = await installation.readAll(EventView, '/v1/events', { device: device.id });
    const numbers = events.map(({ seq }) => seq).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: device.ledgerSeq }, (_, index) => index + 1));
  }
});

test.each(['websocket', 'long-poll'] as const)(
  'a fleet over %s gets what is deployed and loses no event',
  {
    timeout: 60_000,
  },
  async (transport) => {
    const { token } = CreatedEnrolmentToken.parse(
      await installation.send('POST', '/v1/enrolment-tokens', { name: transport, maxUses: 10 }),
    );
    const server = installation.enrolment;
    const options = { server, token, devices: 10, seed: transport, transport, eventsPerSecond: 50 };
    const other = new Swarm({ ...options, behaviour: { duplicateBatch: 0.2, dropPerMinute: 1 } });
    try {
      await other.start();
      await other.waitForConnected(20_000);
      const rollout = Rollout.parse(await installation.deploy(`over-${transport}`));
      await other.waitForApplied('policy', rollout.revision, 20_000);
      other.pauseEvents();
      await other.waitForDurable(20_000);
      for (const device of other.devices) {
        const events = await installation.readAll(EventView, '/v1/events', { device: device.id });
        const numbers = events.map(({ seq }) => seq).sort((a, b) => a - b);
        expect(numbers).toEqual(Array.from({ length: device.ledgerSeq }, (_, index) => index + 1));
      }
    } finally {
      await other.stop();
    }
  },
);
test('an older agent that knows fewer fields is served, one of another version is refused in plain words', async () => {
  const ended: string[] = [];
  const fleetOf = async (protocol: DeviceBehaviour['protocol'], devices: number) => {
    const { token } = CreatedEnrolmentToken.parse(
      await installation.send('POST', '/v1/enrolment-tokens', { name: protocol, maxUses: devices }),
    );
    const fleet = new Swarm({
      server: installation.enrolment,
      token,
      devices,
      seed: protocol,
      behaviour: { protocol },
      witness: { ended: (_, code) => ended.push(code) },
    });
    await fleet.start();
    return fleet;
  };
  const older = await fleetOf('fewer-fields', 2);
  await older.waitForConnected(20_000);
  await older.waitForDurable(20_000);
  await older.stop();
  expect(ended).toEqual(['left', 'left']);
  ended.length = 0;
  for (const protocol of ['version-0', 'version-2'] as const) {
    const foreign = await fleetOf(protocol, 1);
    await expect.poll(() => foreign.stats().refused).toBe(1);
    await foreign.stop();
  }
  expect(ended).toEqual(['link/version', 'link/version']);
});

test('a device whose batch was tampered with is turned away, and nothing of that batch is kept', async () => {
  const { token } = CreatedEnrolmentToken.parse(
    await installation.send('POST', '/v1/enrolment-tokens', { name: 'Bad', maxUses: 1 }),
  );
  const bad = new Swarm({
    server: installation.enrolment,
    token,
    devices: 1,
    seed: 'bad',
    behaviour: { badBatch: 1 },
  });
  await bad.start();
  await expect
    .poll(() => bad.stats())
    .toMatchObject({ refused: 1, endings: { 'ledger/signature-invalid': 1 } });
  const kept = bad.devices.map(({ id }) => installation.readAll(EventView, '/v1/events', { device: id }));
  expect(await Promise.all(kept)).toEqual([[]]);
  await bad.stop();
});
