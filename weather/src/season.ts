import { Fleet, peakPerSecond } from './fleet.ts';
import { isFlawless, type Judgement, judge, readStored } from './oracle.ts';
import { allBack, type Scenario, type Scene, until } from './scenario.ts';
import type { World } from './world/world.ts';

/** After bad weather everything must be as it should within this. */
const RECOVERY_MS = 60_000;

export interface Outcome extends Judgement {
  scenario: string;
  devices: number;
  refused: number;
  reconnects: number;
  peakPerSecond: number;
  /** How connections ended, by code, the most frequent first. */
  endings: [code: string, count: number][];
  /** Undefined when not everything recovered. */
  recoverySeconds: number | undefined;
  /** What did not hold; empty when all of it did. */
  faults: string[];
}

export interface SeasonOptions {
  devices: number;
  seed: string;
}

/** One bad weather after the other over the same control plane. */
export class Season {
  readonly #world: World;
  readonly #options: SeasonOptions;
  #fleet: Fleet | undefined;
  #fleets = 0;

  constructor(world: World, options: SeasonOptions) {
    this.#world = world;
    this.#options = options;
  }

  async run(scenario: Scenario): Promise<Outcome> {
    const fleet = await this.#fleetFor(scenario);
    const scene: Scene = { world: this.#world, fleet, welcomesBefore: fleet.welcomes.length };
    const faults: string[] = [];
    const tryTo = async (work: () => Promise<unknown>) => {
      try {
        await work();
      } catch (error) {
        faults.push(error instanceof Error ? error.message : String(error));
      }
    };

    await tryTo(async () => {
      await this.#world.thaw();
      await allBack(fleet);
      const { freeze } = this.#world.desired;
      await fleet.swarm.waitForApplied('freeze', freeze, RECOVERY_MS);
    });
    scene.welcomesBefore = fleet.welcomes.length;
    const endingsBefore = scenario.behaviour === undefined ? fleet.swarm.stats().endings : {};
    await tryTo(() => scenario.run(scene));
    const clearedMs = performance.now();
    fleet.calm();
    await tryTo(() => recover(scene));
    const recoverySeconds = faults.length === 0 ? (performance.now() - clearedMs) / 1_000 : undefined;
    await tryTo(async () => {
      await scenario.check?.(scene);
      await confirmed(fleet, RECOVERY_MS);
    });

    const { refused } = fleet;
    const judgement = judge(fleet, await readStored(this.#world.database, [...fleet.hashes.keys()]));
    if (!isFlawless(judgement)) faults.push('The record is not what the devices recorded.');
    if (refused.size > 0 !== (scenario.refuses === true))
      faults.push(`${refused.size} devices were turned away for good.`);
    const welcomes = fleet.welcomes.slice(scene.welcomesBefore);
    const endings = newEndings(endingsBefore, fleet.swarm.stats().endings);
    if (faults.length > 0 || scenario.behaviour !== undefined) await this.#retire(fleet);
    return {
      ...judgement,
      scenario: scenario.name,
      devices: fleet.size,
      refused: refused.size,
      reconnects: welcomes.length,
      peakPerSecond: peakPerSecond(welcomes),
      endings,
      recoverySeconds,
      faults,
    };
  }

  /** The one that the last scenario left. @throws Error when there is none */
  get fleet(): Fleet {
    if (this.#fleet === undefined) throw new Error('There is no fleet.');
    return this.#fleet;
  }

  async end(): Promise<void> {
    await this.#fleet?.swarm.stop();
  }

  async #fleetFor({ behaviour }: Scenario): Promise<Fleet> {
    if (behaviour === undefined && this.#fleet !== undefined) {
      this.#fleet.calm();
      return this.#fleet;
    }
    await this.#fleet?.swarm.stop();
    const { devices, seed } = this.#options;
    this.#fleets += 1;
    this.#fleet = await Fleet.muster(this.#world, {
      devices,
      seed: `${seed}/${this.#fleets}`,
      // About one model call per device every two seconds.
      eventsPerSecond: devices / 2,
      ...(behaviour === undefined ? {} : { behaviour }),
    });
    return this.#fleet;
  }

  async #retire(fleet: Fleet): Promise<void> {
    await fleet.swarm.stop();
    if (this.#fleet === fleet) this.#fleet = undefined;
  }
}

/** Resolves when every device has been told that all of its entries are durable. */
function confirmed({ swarm }: Fleet, withinMs: number): Promise<void> {
  return swarm.waitFor(
    'every entry is confirmed',
    withinMs,
    (device) => swarm.isRefused(device) || device.queueDepth === 0,
  );
}

function newEndings(before: Record<string, number>, after: Record<string, number>): Outcome['endings'] {
  return Object.entries(after)
    .map(([code, count]): [string, number] => [code, count - (before[code] ?? 0)])
    .filter(([, count]) => count > 0)
    .sort(([, one], [, other]) => other - one);
}

/** Resolves when the devices and the control plane agree that everything is as it should be. @throws Error if not */
async function recover({ world, fleet }: Scene): Promise<void> {
  const deadline = performance.now() + RECOVERY_MS;
  const left = () => Math.max(1, Math.round(deadline - performance.now()));
  const { swarm } = fleet;
  await allBack(fleet, left());
  swarm.pauseEvents();
  const each = (what: string, holds: (device: (typeof swarm.devices)[number]) => boolean) =>
    swarm.waitFor(what, left(), (device) => swarm.isRefused(device) || holds(device));
  const { policy, freeze } = world.desired;
  await each('every device runs the newest policy', (device) => device.revisionOf('policy') >= policy);
  await each('every device runs the newest freeze', (device) => device.revisionOf('freeze') >= freeze);
  // Applying is an entry of its own.
  await confirmed(fleet, left());
  const { refused } = fleet;
  const expected = new Set(swarm.devices.map(({ id }) => id).filter((id) => !refused.has(id)));
  await until('the control plane sees every device connected and up to date', left(), async () => {
    const devices = (await world.administrator.devices()).filter(({ id }) => expected.has(id));
    return (
      devices.length === expected.size &&
      devices.every(
        ({ connected, applied }) => connected && applied.policy === policy && applied.freeze === freeze,
      )
    );
  });
}
