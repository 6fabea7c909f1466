import { setTimeout as pause } from 'node:timers/promises';
import type { DeviceBehaviour } from '@raypher/swarm';
import type { Fleet } from './fleet.ts';
import type { World } from './world/world.ts';

/** Where a scenario happens. */
export interface Scene {
  world: World;
  fleet: Fleet;
  /** Everything that was welcomed after this many belongs to this scenario. */
  welcomesBefore: number;
}

/** Bad weather. */
export interface Scenario {
  name: string;
  /** One sentence. */
  what: string;
  /** Devices that behave like this from the start: a fleet of their own. */
  behaviour?: Partial<DeviceBehaviour>;
  /** Postgres must be on a disk that can be filled. */
  needsDisk?: true;
  /** Devices of this fleet are turned away for good, and should be. */
  refuses?: true;
  /** Brings the weather; when it resolves, the weather is over and everything must recover. */
  run(scene: Scene): Promise<void>;
  /** What must hold besides, once everything has recovered. @throws Error saying what does not */
  check?(scene: Scene): Promise<void>;
}

const LOOK_EVERY_MS = 50;

/** Resolves when the condition holds. @throws Error naming `what` when it does not within `withinMs` */
export async function until(
  what: string,
  withinMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs / 1_000} s in vain for: ${what}.`);
    await pause(LOOK_EVERY_MS);
  }
}

/** How long the weather itself lasts; nothing is waited for. */
export function blow(ms: number): Promise<void> {
  return pause(ms);
}

/** Resolves when nobody is connected. */
export function allGone({ swarm }: Fleet): Promise<void> {
  return swarm.waitFor('every device has lost its connection', 60_000, ({ connected }) => !connected);
}

/** Resolves when everybody is connected who was not turned away for good. */
export function allBack({ swarm }: Fleet, withinMs = 60_000): Promise<void> {
  return swarm.waitFor(
    'every device is connected again',
    withinMs,
    (device) => device.connected || swarm.isRefused(device),
  );
}

/** Resolves when devices hold so many entries that nobody has confirmed. */
export function manyWait({ swarm }: Fleet, entries: number): Promise<void> {
  return until(
    `${entries} entries wait on the devices`,
    60_000,
    () => swarm.stats().waitingEntries >= entries,
  );
}
