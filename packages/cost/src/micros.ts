/** Money: whole millionths of a US dollar. Never a fraction, so that sums are exact. */
export type Micros = number;

/** Micro-dollars per million units (tokens, searches): `2_500_000` is $2.50 per million. Whole, like {@link Micros}. */
export type Rate = number;

const MILLION = 1_000_000n;

/** Adds up exactly, in units of a millionth of a micro-dollar, and rounds up once at the end. */
export class MicrosSum {
  #millionths = 0n;

  /**
   * @param percent a surcharge: 200 doubles
   * @throws RangeError when a number is not whole or is negative
   */
  add(units: number, rate: Rate, percent = 100): void {
    this.#millionths += (BigInt(units) * BigInt(rate) * BigInt(percent)) / 100n;
    if (units < 0 || rate < 0 || percent < 0) throw new RangeError('Money is never negative here.');
  }

  /** Rounded up; an amount too large for a safe integer becomes the largest one. */
  total(): Micros {
    const micros = (this.#millionths + MILLION - 1n) / MILLION;
    return micros > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(micros);
  }
}

/** Of dollars as providers and price lists write them, rounded up to a whole micro-dollar; undefined when it is no amount. */
export function microsFromDollars(dollars: unknown): Micros | undefined {
  if (typeof dollars !== 'number' || !(dollars >= 0)) return undefined;
  // What binary fractions add to a decimal (0.1 + 0.2) must not round up to another micro-dollar.
  const micros = Math.ceil(Number((dollars * 1e6).toPrecision(12)));
  return Number.isSafeInteger(micros) ? micros : undefined;
}
