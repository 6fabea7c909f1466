/** Programs and hosts; a program that makes up names must not fill the memory. */
const MAX_PAIRS = 4096;
/** A client that tries again every second is one thing to know, not thousands. */
const TELL_EVERY_MS = 60_000;

interface Pair {
  toldAt: number;
  untold: number;
}

/** Which program could not be read with which host. Kept in memory: a program may have learnt to trust since. */
export class RefusedPairs {
  readonly #now: () => number;
  readonly #max: number;
  readonly #pairs = new Map<string, Map<string, Pair>>();

  constructor(max = MAX_PAIRS, now: () => number = Date.now) {
    this.#max = max;
    this.#now = now;
  }

  get isEmpty(): boolean {
    return this.#pairs.size === 0;
  }

  has(program: string, host: string): boolean {
    return this.#pairs.has(key(program, host));
  }

  /** @returns how many times since it was last told, this one included; undefined when it is not to be told now */
  add(program: string, host: string, reason: string): number | undefined {
    const reasons = this.#pairs.get(key(program, host)) ?? new Map<string, Pair>();
    this.#pairs.set(key(program, host), reasons);
    const [oldest] = this.#pairs.keys();
    if (this.#pairs.size > this.#max && oldest !== undefined) this.#pairs.delete(oldest);
    const known = reasons.get(reason);
    const now = this.#now();
    if (known !== undefined && now - known.toldAt < TELL_EVERY_MS) {
      known.untold += 1;
      return undefined;
    }
    reasons.set(reason, { toldAt: now, untold: 0 });
    return (known?.untold ?? 0) + 1;
  }
}

function key(program: string, host: string): string {
  return `${program} ${host}`;
}
