import { blow, manyWait, type Scenario, until } from '../scenario.ts';
import type { World } from '../world/world.ts';

export const slowDatabase: Scenario = {
  name: 'slow-database',
  what: 'every question takes 0.1 s more, then the tables of devices and chains are locked for ten seconds',
  async run({ world, fleet }) {
    fleet.swarm.behave({ dropPerMinute: 2 });
    world.databaseWire.delay(50);
    await world.deploy();
    await blow(5_000);
    const client = await world.database.connect();
    try {
      await client.query('BEGIN');
      await client.query('LOCK TABLE device_chains, devices IN ACCESS EXCLUSIVE MODE');
      await blow(10_000);
    } finally {
      await client.query('ROLLBACK');
      client.release();
      world.databaseWire.delay(0);
    }
  },
};

export const databaseKilled: Scenario = {
  name: 'database-killed',
  what: 'Postgres is killed under load and started again',
  async run({ world, fleet }) {
    world.postgres.kill('SIGKILL');
    await world.postgres.exited;
    await manyWait(fleet, 2 * fleet.size);
    await world.postgres.restart();
  },
};

export const databaseVanishes: Scenario = {
  name: 'database-vanishes',
  what: 'connections to Postgres never carry another byte and nobody is told, as when its machine is gone',
  async run({ world, fleet }) {
    world.databaseWire.cut();
    try {
      await manyWait(fleet, 2 * fleet.size);
    } finally {
      world.databaseWire.mend();
    }
  },
  async check({ world, fleet }) {
    await world.deploy();
    await fleet.swarm.waitForApplied('policy', world.desired.policy, 30_000);
  },
};

export const diskFull: Scenario = {
  name: 'disk-full',
  what: 'the disk of Postgres is full to the last byte, and is freed',
  needsDisk: true,
  async run({ world, fleet }) {
    const { disk, postgres } = world;
    if (disk === undefined) throw new Error('Postgres has no disk of its own.');
    let isDown = false;
    void postgres.exited.then(() => {
      isDown = true;
    });
    await disk.fill();
    try {
      // What Postgres frees meanwhile is taken too.
      await until('entries wait because the disk is full', 60_000, async () => {
        await disk.fill();
        return fleet.swarm.stats().waitingEntries >= 3 * fleet.size;
      });
    } finally {
      await disk.free();
    }
    if (isDown) await postgres.restart();
    await until('Postgres answers', 30_000, () => answers(world));
  },
};

function answers({ database }: World): Promise<boolean> {
  return database.query('SELECT 1').then(
    () => true,
    () => false,
  );
}
