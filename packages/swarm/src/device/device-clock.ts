import type { SeededRandom } from '../random.ts';
import type { DeviceBehaviour } from './device-behaviour.ts';

/** What time it is on one device. How wrong its clock is, within what the behaviour allows, comes from the seed. */
export class DeviceClock {
  readonly #startedMs: number;
  /** Both -1..1. */
  readonly #skew: number;
  readonly #drift: number;

  constructor(random: SeededRandom, startedMs: number) {
    this.#startedMs = startedMs;
    this.#skew = 2 * random.next() - 1;
    this.#drift = 2 * random.next() - 1;
  }

  /** @param nowMs what time it really is; both in milliseconds since the epoch */
  read(nowMs: number, { clockSkewMs, clockDrift }: DeviceBehaviour): number {
    return Math.round(
      nowMs + this.#skew * clockSkewMs + this.#drift * clockDrift * (nowMs - this.#startedMs),
    );
  }
}
