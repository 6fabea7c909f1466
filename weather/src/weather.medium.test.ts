import { afterAll, beforeAll, expect, test } from 'vitest';
import { isFlawless, type Judgement, judge, readStored } from './oracle.ts';
import { databaseVanishes } from './scenarios/database.ts';
import { flap, storm } from './scenarios/devices.ts';
import { Season } from './season.ts';
import { World } from './world/world.ts';

const DEVICES = 40;

let world: World;
let season: Season;

beforeAll(async () => {
  world = await World.start({ admissionsPerSecond: 20 });
  season = new Season(world, { devices: DEVICES, seed: 'short' });
  await world.deploy();
}, 240_000);

afterAll(async () => {
  await season?.end();
  await world?.stop();
});

test.each([flap, storm, databaseVanishes])(
  '$name: nothing is lost, nothing is there twice, and everything is well again within a minute',
  { timeout: 150_000 },
  async (scenario) => {
    const outcome = await season.run(scenario);
    expect(outcome).toMatchObject({ faults: [], lost: 0, duplicated: 0, altered: 0, devices: DEVICES });
    expect(outcome.recoverySeconds).toBeLessThan(60);
  },
);

/** What the oracle says after this was done to the database behind the control plane's back; then it is undone. */
async function judgedAfter(tampering: (device: string) => string): Promise<Judgement> {
  const { fleet } = season;
  const [device] = fleet.hashes.keys();
  const client = await world.database.connect();
  try {
    await client.query('BEGIN');
    // Past every trigger, as somebody with the superuser's rights would.
    await client.query("SET LOCAL session_replication_role = 'replica'");
    await client.query(tampering(String(device)));
    return judge(fleet, await readStored(client, [...fleet.hashes.keys()]));
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

test('the oracle finds nothing wrong in a record that nobody touched', async () => {
  const judgement = await judgedAfter(() => 'SELECT 1');
  expect(isFlawless(judgement)).toBe(true);
  expect(judgement.entries).toBeGreaterThan(DEVICES);
});

const FLAWLESS = {
  lost: 0,
  acknowledgedLost: 0,
  duplicated: 0,
  altered: 0,
  wrongHeads: 0,
  wrongBatches: 0,
};

test.each<[string, (device: string) => string, Partial<Judgement>]>([
  [
    'a deleted entry',
    (device) => `DELETE FROM events WHERE device_id = '${device}' AND seq = 2`,
    { lost: 1, acknowledgedLost: 1 },
  ],
  [
    'an entry at a position that is taken, in the partition of another day',
    (device) => `
      SELECT ensure_event_partition(current_date + 1);
      INSERT INTO events (organisation_id, device_id, seq, received_on, received_at, occurred_at, type, severity,
                          actor_kind, actor_id, actor_name, action, target, hash, entry)
      SELECT organisation_id, device_id, seq, current_date + 1, received_at, occurred_at, type, severity,
             actor_kind, actor_id, actor_name, action, target, hash, entry
        FROM events WHERE device_id = '${device}' AND seq = 2`,
    { duplicated: 1 },
  ],
  [
    'an entry that is not what the device recorded',
    (device) => `UPDATE events SET hash = sha256(hash) WHERE device_id = '${device}' AND seq = 2`,
    { altered: 1 },
  ],
  [
    'a chain that ends elsewhere',
    (device) => `UPDATE device_chains SET last_hash = sha256(last_hash) WHERE device_id = '${device}'`,
    { wrongHeads: 1 },
  ],
  [
    'a signed batch that is gone',
    (device) => `DELETE FROM ledger_batches WHERE device_id = '${device}' AND first_seq = 1`,
    { wrongBatches: 1 },
  ],
])('the oracle finds %s', async (_, tampering, found) => {
  const judgement = await judgedAfter(tampering);
  expect(judgement).toMatchObject({ ...FLAWLESS, ...found });
  expect(isFlawless(judgement)).toBe(false);
});
