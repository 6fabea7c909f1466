/**
 * A small deterministic source of numbers: the same seed always tells the same story.
 * For simulated behaviour only; keys and identities never come from here.
 *
 * Generator: mulberry32 (32 bits of state, so that thousands of devices can each own one).
 *
 * @example
 * const random = new SeededRandom('fleet-7/12');
 * random.pick(['allow', 'deny']);
 */
export class SeededRandom {
  #state: number;

  constructor(seed: string) {
    this.#state = hashText(seed);
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** @throws RangeError for an empty list */
  pick<T>(list: readonly T[]): T {
    const chosen = list[Math.floor(this.next() * list.length)];
    if (chosen === undefined) throw new RangeError('nothing to pick from');
    return chosen;
  }

  /** `count` different members, in their own order. */
  sample<T>(list: readonly T[], count: number): T[] {
    const left = list.map((_, index) => index);
    const chosen = new Set<number>();
    while (chosen.size < count && left.length > 0) {
      for (const index of left.splice(this.integer(0, left.length - 1), 1)) chosen.add(index);
    }
    return list.filter((_, index) => chosen.has(index));
  }

  /** Lower-case hex of `bytes` bytes. */
  hex(bytes: number): string {
    let text = '';
    for (let index = 0; index < bytes; index += 1) text += this.integer(0, 255).toString(16).padStart(2, '0');
    return text;
  }

  /** Events that fall into an interval in which `expected` are expected (Poisson; Knuth's method in steps). */
  poisson(expected: number): number {
    let count = 0;
    for (let left = expected; left > 0; left -= POISSON_STEP) {
      const limit = Math.exp(-Math.min(left, POISSON_STEP));
      for (let product = this.next(); product > limit; product *= this.next()) count += 1;
    }
    return count;
  }
}

/** exp(-500) is still a normal number; larger steps would underflow. */
const POISSON_STEP = 500;

/** FNV-1a, 32 bits. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
