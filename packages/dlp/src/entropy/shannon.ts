const counts = new Uint16Array(256);

/** Shannon entropy in bits per UTF-16 unit; codes above 255 are folded together, which can only lower it. */
export function shannonEntropy(text: string): number {
  counts.fill(0);
  const length = Math.min(text.length, 4_096);
  for (let index = 0; index < length; index++) {
    const code = Math.min(text.charCodeAt(index), 255);
    counts[code] = (counts[code] ?? 0) + 1;
  }
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / length) * Math.log2(count / length);
  return bits;
}
