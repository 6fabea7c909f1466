import { isUtf8 } from 'node:buffer';
import type { InputEstimate } from '@raypher/cost';

/** The list of messages in a body: byte offsets. */
export interface MessageList {
  /** Right behind its opening bracket. */
  readonly start: number;
  /** Right behind each message, ascending. */
  readonly ends: readonly number[];
}

/** A body whose first messages were looked through before and are the same to the byte. */
export interface Excerpt {
  /** The body with a `0` in the place of those messages: JSON, as the body is, that says the same about all else. */
  readonly bytes: Buffer;
  /** Where they begin and end in the body. */
  readonly start: number;
  readonly end: number;
  /** Of those messages; undefined when nobody has reckoned it. */
  readonly estimate: InputEstimate | undefined;
}

/** What a connection sent last. */
interface Remembered {
  readonly bytes: Buffer;
  readonly list: MessageList;
  readonly scanner: string;
  readonly estimate: InputEstimate | undefined;
}

/** Shorter bodies are looked through faster than they are compared and cut. */
export const SHORTEST_TRANSCRIPT = 2_048;
/** Longer ones are not kept. */
const LONGEST = 4 * 1024 * 1024;
/** Of all connections together, bytes. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Of one list: where a transcript was cut is near its end. */
const MOST_ENDS = 64;
const LISTS = ['"messages"', '"input"', '"contents"'];

const [QUOTE, BACKSLASH, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE, ZERO] =
  Buffer.from('"\\[]{}0');

/**
 * Remembers the last body of each connection while it was clean, in memory only: AI agents send the whole conversation
 * with every call, and what was looked through once needs no second look while it is the same to the byte.
 */
export class Transcripts {
  readonly #last = new Map<object, Remembered>();
  #bytes = 0;

  /**
   * @param connection of the client
   * @param scanner version of what looks through it; another one may find other things
   * @returns undefined when the body has to be looked through as a whole
   */
  excerpt(connection: object, body: Buffer, scanner: string): Excerpt | undefined {
    const known = this.#last.get(connection);
    if (known === undefined || known.scanner !== scanner) return undefined;
    const { start } = known.list;
    const same = commonLength(known.bytes, body);
    const end = known.list.ends.findLast((offset) => offset <= same);
    if (end === undefined) return undefined;
    const bytes = Buffer.concat([body.subarray(0, start), Buffer.of(ZERO ?? 0), body.subarray(end)]);
    return { bytes, start, end, estimate: known.estimate };
  }

  /**
   * @param body in which nothing was found; valid JSON
   * @param excerpt that was looked at in its place
   * @param estimate of the messages of the body
   */
  remember(
    connection: object,
    body: Buffer,
    list: MessageList | undefined,
    scanner: string,
    estimate: InputEstimate | undefined,
  ): void {
    this.forget(connection);
    if (
      list === undefined ||
      list.ends.length === 0 ||
      body.length < SHORTEST_TRANSCRIPT ||
      body.length > LONGEST ||
      !isUtf8(body)
    )
      return;
    this.#last.set(connection, { bytes: body, list, scanner, estimate });
    this.#bytes += body.length;
    for (const [oldest] of this.#last) {
      if (this.#bytes <= MOST_BYTES) break;
      this.forget(oldest);
    }
  }

  /** The connection is gone, or sent something that was not clean. */
  forget(connection: object): void {
    const known = this.#last.get(connection);
    if (known === undefined) return;
    this.#bytes -= known.bytes.length;
    this.#last.delete(connection);
  }
}

/** The messages of a body, of which the first may be in an excerpt. */
export function messageList(body: Buffer, excerpt: Excerpt | undefined): MessageList | undefined {
  if (excerpt === undefined) return messagesIn(body);
  const list = messagesIn(excerpt.bytes);
  if (list?.start !== excerpt.start) return undefined;
  // Offsets of the excerpt behind the 0, as offsets of the body.
  const shift = excerpt.end - excerpt.start - 1;
  return { start: list.start, ends: [excerpt.end, ...list.ends.map((end) => end + shift)].slice(-MOST_ENDS) };
}

/** The body without any messages: what is said around them. */
export function aroundMessages(body: Buffer, { start, ends }: MessageList): Buffer {
  return Buffer.concat([body.subarray(0, start), Buffer.of(ZERO ?? 0), body.subarray(ends.at(-1) ?? start)]);
}

/** Of valid JSON: the list of objects under the first key of the outermost object that holds a conversation. */
function messagesIn(json: Buffer): MessageList | undefined {
  let depth = 0;
  let start = -1;
  let key = '';
  const ends: number[] = [];
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) {
      const from = at;
      at = endOfString(json, at);
      if (depth === 1 && at - from < 16) key = json.toString('latin1', from, at + 1);
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      if (byte === OPEN_BRACKET && depth === 2 && start === -1 && LISTS.includes(key)) start = at + 1;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
      if (start === -1) continue;
      if (depth === 2) ends.push(at + 1);
      // The list is over; what follows has other elements.
      else if (depth === 1) break;
    }
  }
  return start === -1 ? undefined : { start, ends: ends.slice(-MOST_ENDS) };
}

/** Index of the quote that ends the string that begins at `start`. */
function endOfString(json: Buffer, start: number): number {
  for (let at = json.indexOf(QUOTE ?? 0, start + 1); at !== -1; at = json.indexOf(QUOTE ?? 0, at + 1)) {
    let slashes = 0;
    while (json[at - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return at;
  }
  return json.length;
}

/** How many bytes two buffers begin with in common. */
function commonLength(a: Buffer, b: Buffer): number {
  let low = 0;
  let high = Math.min(a.length, b.length);
  if (a.subarray(0, high).equals(b.subarray(0, high))) return high;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (a.subarray(low, middle).equals(b.subarray(low, middle))) low = middle;
    else high = middle;
  }
  return low;
}
