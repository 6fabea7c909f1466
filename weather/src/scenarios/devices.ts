import { EventView } from '@raypher/shared/rest';
import { Fleet, peakPerSecond } from '../fleet.ts';
import { allBack, allGone, type Scenario, until } from '../scenario.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

export const flap: Scenario = {
  name: 'flap',
  what: 'devices drop, hang, cut off in mid-batch, repeat themselves, read slowly and come back, all the time',
  async run({ fleet }) {
    fleet.swarm.behave({
      dropPerMinute: 9,
      hangPerMinute: 6,
      cutAfterBatch: 0.02,
      duplicateBatch: 0.2,
      resendEarlier: 0.2,
      readDelayMs: [0, 50],
    });
    const enough = fleet.welcomes.length + 2 * fleet.size;
    await until('twice as many reconnects as devices', 45_000, () => fleet.welcomes.length >= enough);
  },
};

export const storm: Scenario = {
  name: 'storm',
  what: 'both link processes are killed, everybody is gone; a deploy and a freeze; then everybody comes back at once',
  async run({ world, fleet }) {
    await world.killLinks();
    await allGone(fleet);
    await world.deploy();
    await world.freeze();
    await world.startLinks();
  },
  async check({ world, fleet, welcomesBefore }) {
    // A bucket holds as many as it gets in a second, so a second can see twice that, on each link.
    const most = 2 * world.admissionsPerSecond * world.links.length;
    const peak = peakPerSecond(fleet.welcomes.slice(welcomesBefore));
    if (peak > most) throw new Error(`${peak} devices were let in within a second; ${most} are allowed.`);
  },
};

export const reconnectRace: Scenario = {
  name: 'reconnect-race',
  what: 'every device dials anew while its old stream is open and its batches wait for a slow database, four times',
  async run({ world, fleet }) {
    world.databaseWire.delay(25);
    fleet.swarm.behave({ duplicateBatch: 0.3, resendEarlier: 0.3 });
    for (let round = 0; round < 4; round += 1) {
      const enough = fleet.welcomes.length + fleet.size;
      for (const device of fleet.swarm.devices) device.hang();
      await until('everybody is welcomed once more', 45_000, () => fleet.welcomes.length >= enough);
    }
    world.databaseWire.delay(0);
  },
};

export const clockSkew: Scenario = {
  name: 'clock-skew',
  what: 'clocks are wrong by up to six hours and gain or lose up to half a second per second',
  async run({ fleet }) {
    fleet.swarm.behave({ clockSkewMs: 6 * HOUR_MS, clockDrift: 0.5, dropPerMinute: 4 });
    const enough = fleet.entries + 4 * fleet.size;
    await until('four entries of every device', 45_000, () => fleet.entries >= enough);
  },
  async check({ world, fleet }) {
    const nowMs = Date.now();
    const devices = new Map((await world.administrator.devices()).map((device) => [device.id, device]));
    for (const { id } of fleet.swarm.devices.slice(0, 10)) {
      const seenMs = Date.parse(devices.get(id)?.lastSeenAt ?? '');
      if (!(Math.abs(nowMs - seenMs) < MINUTE_MS))
        throw new Error('A wrong clock shows in when a device was last seen.');
      const events = EventView.array().parse(await world.administrator.getAll(`/v1/events?device=${id}&`));
      const order = events.map(({ seq }) => seq);
      if (order.some((seq, index) => index > 0 && seq >= (order[index - 1] ?? 0)))
        throw new Error('A wrong clock changes the order in which events are shown.');
      if (events.some(({ receivedAt }) => Date.parse(receivedAt) > nowMs + MINUTE_MS))
        throw new Error('A wrong clock shows in when events were received.');
    }
  },
};

export const oldProtocol: Scenario = {
  name: 'old-protocol',
  what: 'all agents are older and leave out fields; some speak another version and are refused in plain words',
  async run({ world, fleet }) {
    fleet.swarm.behave({ protocol: 'fewer-fields' });
    for (const device of fleet.swarm.devices) device.disconnect('abruptly');
    await allBack(fleet);
    await world.deploy();
    for (const protocol of ['version-0', 'version-2'] as const) {
      const foreign = await Fleet.muster(world, {
        devices: 3,
        seed: protocol,
        eventsPerSecond: 1,
        behaviour: { protocol },
      });
      await until('the other version is refused', 20_000, () => foreign.refused.size === foreign.size);
      const { endings } = foreign.swarm.stats();
      await foreign.swarm.stop();
      if (endings['link/version'] !== foreign.size)
        throw new Error(`Agents of ${protocol} were ended with ${JSON.stringify(endings)}.`);
    }
  },
};

export const badBatches: Scenario = {
  name: 'bad-batches',
  what: 'one batch in a hundred has a signature that does not hold: its device is turned away, the others are not',
  behaviour: { badBatch: 0.01 },
  refuses: true,
  async run({ fleet }) {
    const some = Math.ceil(fleet.size / 20);
    await until('some devices are turned away', 60_000, () => fleet.refused.size >= some);
  },
  async check({ fleet }) {
    const { endings } = fleet.swarm.stats();
    if (endings['ledger/signature-invalid'] !== fleet.refused.size)
      throw new Error(`Devices were turned away with ${JSON.stringify(endings)}.`);
  },
};
