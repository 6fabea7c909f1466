import { ARRIVAL_BYTES } from './event-lines.ts';
import { newIn, type PlacedBatch } from './placed-batch.ts';

/** Enough for every position that JavaScript counts exactly. */
const POSITION_DIGITS = 16;
const ZERO = '0'.charCodeAt(0);

/**
 * The new entries as COPY's text. What is known only now, position, day and time of arrival, is written into the
 * beginning of each line.
 *
 * One piece for all of them: after each write the event loop, which has other things to do, must come round before the
 * database gets the next one.
 *
 * @param memory where the piece is put when it fits
 * @param positions at least one for each new entry, decimal; the first are used
 * @param at ISO, UTC
 */
export function copyText(
  memory: Buffer,
  placed: readonly PlacedBatch[],
  positions: readonly string[],
  at: string,
): Buffer {
  const arrival = Buffer.from(`${'0'.repeat(POSITION_DIGITS)}\t${at.slice(0, 10)}\t${at}\t`, 'latin1');
  if (arrival.length !== ARRIVAL_BYTES) throw new RangeError(`${at} is no time of arrival.`);
  const texts: Uint8Array[] = [];
  let bytes = 0;
  let row = 0;
  for (const batch of placed) {
    const { text, ends } = batch.job.batch.lines;
    const first = startOf(batch);
    let start = first;
    for (let index = batch.from; index < batch.from + newIn(batch); index += 1) {
      writePosition(arrival, positions[row] ?? '');
      text.set(arrival, start);
      start = ends[index] ?? start;
      row += 1;
    }
    texts.push(first === 0 ? text : text.subarray(first));
    bytes += text.length - first;
  }
  const piece = bytes <= memory.length ? memory.subarray(0, bytes) : Buffer.allocUnsafeSlow(bytes);
  let written = 0;
  for (const text of texts) {
    piece.set(text, written);
    written += text.length;
  }
  return piece;
}

/** Over the digits of the one before. */
function writePosition(arrival: Buffer, position: string): void {
  if (position.length > POSITION_DIGITS) throw new RangeError(`${position} is no position.`);
  const zeros = POSITION_DIGITS - position.length;
  for (let at = 0; at < zeros; at += 1) arrival[at] = ZERO;
  for (let at = 0; at < position.length; at += 1) arrival[zeros + at] = position.charCodeAt(at);
}

/** Where the first new line begins. */
function startOf({ job, from }: PlacedBatch): number {
  return from === 0 ? 0 : (job.batch.lines.ends[from - 1] ?? 0);
}
