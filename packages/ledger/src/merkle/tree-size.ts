/** Sizes and indexes are numbers: a log of 2^53 entries would take decades at a million per second. */
export function assertTreeSize(size: number, what = 'size'): void {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new RangeError(`${what} must be a whole number from 0 to 2^53-1, and is ${size}.`);
  }
}

/** The largest power of two below n (RFC 6962 §2.1 calls it k); n is at least 2. */
export function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/**
 * Sizes of the perfect subtrees that a tree of this size is made of, largest first.
 *
 * @example perfectSizes(13) // [8, 4, 1]
 */
export function perfectSizes(size: number): number[] {
  const sizes: number[] = [];
  let power = 1;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) sizes.unshift(power);
    power *= 2;
  }
  return sizes;
}
