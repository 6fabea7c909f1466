import { createHash } from 'node:crypto';
import { type DeviceBehaviour, type FleetWitness, GOOD_BEHAVIOUR, Swarm } from '@raypher/swarm';
import type { World } from './world/world.ts';

export interface FleetOptions {
  devices: number;
  seed: string;
  eventsPerSecond: number;
  behaviour?: Partial<DeviceBehaviour>;
}

/** Simulated devices, and what they know of their own record: the other half of what the control plane must have. */
export class Fleet implements FleetWitness {
  readonly swarm: Swarm;
  /** By device: SHA-256 (hex) of each entry it recorded, from sequence number 1 on. */
  readonly hashes = new Map<string, string[]>();
  /** By device: everything through this number was said to be durable. */
  readonly acknowledgedThrough = new Map<string, number>();
  /** When each connection was welcomed, milliseconds (monotonic). */
  readonly welcomes: number[] = [];
  readonly #options: FleetOptions;

  private constructor(server: URL, token: string, options: FleetOptions) {
    this.#options = options;
    this.swarm = new Swarm({
      ...options,
      server,
      token,
      witness: this,
      // Whoever loses its connection comes back as soon as its own backoff lets it.
      ramp: { kind: 'spike' },
    });
  }

  /** Enrols a new fleet and connects it. */
  static async muster(world: World, options: FleetOptions): Promise<Fleet> {
    const token = await world.administrator.enrolmentToken(options.devices);
    const fleet = new Fleet(world.enrolment, token, options);
    await fleet.swarm.start();
    return fleet;
  }

  get size(): number {
    return this.#options.devices;
  }

  /** Devices that were turned away for good. */
  get refused(): ReadonlySet<string> {
    const { swarm } = this;
    return new Set(swarm.devices.filter((device) => swarm.isRefused(device)).map(({ id }) => id));
  }

  /** Entries recorded so far. */
  get entries(): number {
    return this.swarm.stats().entries;
  }

  recorded(device: string, seq: number, bytes: Uint8Array): void {
    const hash = createHash('sha256').update(bytes).digest('hex');
    const known = this.hashes.get(device);
    if (known === undefined) this.hashes.set(device, [hash]);
    else known[seq - 1] = hash;
  }

  acknowledged(device: string, seq: number): void {
    if (seq > (this.acknowledgedThrough.get(device) ?? 0)) this.acknowledgedThrough.set(device, seq);
  }

  welcomed(): void {
    this.welcomes.push(performance.now());
  }

  /** Everybody behaves again, and records as before. */
  calm(): void {
    this.swarm.behave({ ...GOOD_BEHAVIOUR, protocol: this.#options.behaviour?.protocol ?? 'current' });
    this.swarm.resumeEvents(this.#options.eventsPerSecond);
  }
}

/** The most connections that were welcomed within any one second. */
export function peakPerSecond(timesMs: readonly number[]): number {
  const sorted = [...timesMs].sort((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [index, at] of sorted.entries()) {
    while (at - (sorted[first] ?? at) >= 1_000) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
