import { Swarm, type SwarmOptions, type SwarmStats } from '@raypher/swarm';
import { serveRemote } from './remote.ts';

export type SwarmMethods = {
  /** Enrols and connects. @returns milliseconds from the first dial until the last device was connected */
  connect(
    options: Omit<SwarmOptions, 'server'> & { server: string },
  ): Promise<{ enrolMs: number; connectMs: number }>;
  /** Milliseconds since the epoch at which each device reported APPLIED. */
  applied(wanted: { kind: 'policy' | 'freeze'; revision: number; timeoutMs: number }): Promise<Float64Array>;
  /** Resolves when nothing of the fleet is on its way any more. */
  quiet(timeoutMs: number): Promise<void>;
  stats(): SwarmStats;
  /** No more events. */
  hush(): void;
  stop(): Promise<void>;
};

let swarm: Swarm | undefined;

function running(): Swarm {
  if (swarm === undefined) throw new Error('connect first');
  return swarm;
}

const methods: SwarmMethods = {
  async connect({ server, ...options }) {
    swarm = new Swarm({ ...options, server: new URL(server) });
    const begin = performance.now();
    await swarm.enrol();
    const enrolled = performance.now();
    swarm.connect();
    await swarm.waitForConnected(120_000);
    return { enrolMs: enrolled - begin, connectMs: performance.now() - enrolled };
  },
  async applied({ kind, revision, timeoutMs }) {
    const times = await running().waitForApplied(kind, revision, timeoutMs);
    return Float64Array.from(times, ({ appliedAtMs }) => appliedAtMs);
  },
  quiet: (timeoutMs) => running().waitForDurable(timeoutMs),
  stats: () => running().stats(),
  hush: () => running().pauseEvents(),
  stop: () => running().stop(),
};

serveRemote(methods);
