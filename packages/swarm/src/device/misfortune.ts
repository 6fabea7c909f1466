import { SeededRandom } from '../random.ts';
import type { DeviceBehaviour } from './device-behaviour.ts';

/** What goes wrong with one batch. */
export interface BatchFate {
  bad: boolean;
  twice: boolean;
  /** The batch before it is sent again. */
  earlierAgain: boolean;
  /** The connection breaks while it is under way. */
  cut: boolean;
}

/**
 * Decides when something goes wrong on one device. What happens to the batch that begins with an entry depends on the
 * seed and on that entry's number alone, not on when it is sent: the same seed decides the same on a slower machine.
 */
export class Misfortune {
  readonly #seed: string;

  constructor(seed: string) {
    this.#seed = seed;
  }

  fateOf(firstSeq: number, behaviour: DeviceBehaviour): BatchFate {
    const random = new SeededRandom(`${this.#seed}/batch/${firstSeq}`);
    return {
      bad: random.chance(behaviour.badBatch),
      twice: random.chance(behaviour.duplicateBatch),
      earlierAgain: random.chance(behaviour.resendEarlier),
      cut: random.chance(behaviour.cutAfterBatch),
    };
  }
}

/**
 * A misfortune that comes now and then (a Poisson process). How much of the expected number has to pass before each
 * one comes from the seed; the rate may change in between.
 */
export class Recurrence {
  readonly #random: SeededRandom;
  #untilNext: number;

  constructor(seed: string) {
    this.#random = new SeededRandom(seed);
    this.#untilNext = this.#draw();
  }

  /** @returns whether it happened within the last `elapsedMs` */
  passed(elapsedMs: number, perMinute: number): boolean {
    this.#untilNext -= (perMinute * elapsedMs) / 60_000;
    if (this.#untilNext > 0) return false;
    this.#untilNext = this.#draw();
    return true;
  }

  /** Exponentially distributed, 1 on average. */
  #draw(): number {
    return -Math.log(1 - this.#random.next());
  }
}
