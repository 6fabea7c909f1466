import { allBack, allGone, blow, manyWait, type Scenario } from '../scenario.ts';

export const ingestorKilled: Scenario = {
  name: 'ingestor-killed',
  what: 'of two link processes one is killed, the other takes everybody and a deploy; then the other way round',
  async run({ world, fleet }) {
    const [first, second] = world.links;
    if (first === undefined || second === undefined) throw new Error('There are two links.');
    await first.kill();
    await world.deploy();
    await allBack(fleet);
    await first.start();
    await second.kill();
    await world.freeze();
    await allBack(fleet);
    await second.start();
  },
};

export const redisFrozen: Scenario = {
  name: 'redis-frozen',
  what: 'Redis answers nothing for ten seconds; a deploy, a freeze and dropping devices meanwhile',
  async run({ world, fleet }) {
    world.redis.kill('SIGSTOP');
    try {
      fleet.swarm.behave({ dropPerMinute: 4 });
      await world.deploy();
      await world.freeze();
      await blow(10_000);
    } finally {
      world.redis.kill('SIGCONT');
    }
  },
};

export const redisGone: Scenario = {
  name: 'redis-gone',
  what: 'Redis is killed and comes back empty; a deploy, a freeze and dropping devices meanwhile',
  async run({ world, fleet }) {
    world.redis.kill('SIGKILL');
    await world.redis.exited;
    try {
      fleet.swarm.behave({ dropPerMinute: 4 });
      await world.deploy();
      await world.freeze();
      await blow(5_000);
    } finally {
      await world.redis.restart();
    }
  },
};

export const networkCut: Scenario = {
  name: 'network-cut',
  what: 'nothing passes between devices and control plane and nobody is told; a deploy and a freeze meanwhile',
  async run({ world, fleet }) {
    world.deviceWire.cut();
    try {
      await world.deploy();
      await world.freeze();
      await manyWait(fleet, 3 * fleet.size);
    } finally {
      world.deviceWire.mend();
    }
  },
};

export const everythingAtOnce: Scenario = {
  name: 'hurricane',
  what: 'links killed, Redis killed, database slow, devices flapping; a deploy and a freeze in the middle of it',
  async run({ world, fleet }) {
    fleet.swarm.behave({ dropPerMinute: 6, cutAfterBatch: 0.02, duplicateBatch: 0.2 });
    world.databaseWire.delay(20);
    world.redis.kill('SIGKILL');
    await Promise.all([world.redis.exited, world.killLinks()]);
    await allGone(fleet);
    await world.deploy();
    await world.startLinks();
    await world.freeze();
    await world.redis.restart();
    world.databaseWire.delay(0);
  },
};
