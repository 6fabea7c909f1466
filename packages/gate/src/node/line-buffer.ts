import { isUtf8 } from 'node:buffer';

const NEWLINE = 0x0a;

/** Cuts a stream of bytes into lines. Never holds more than one unfinished line of the longest length. */
export class LineBuffer {
  readonly #longest: number;
  #partial: Buffer[] = [];
  #partialBytes = 0;

  /** @param longest bytes of a line, without its end */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** Whether a line has begun and not ended. */
  get unfinished(): boolean {
    return this.#partialBytes > 0;
  }

  /**
   * Hands over the lines that a chunk completes.
   *
   * @param onLine gets the text, or `undefined` for bytes that are not UTF-8; decoding those with replacement
   *   characters would make different lines equal
   * @returns `false` once a line is too long: there is no telling where the next one starts
   */
  feed(chunk: Buffer, onLine: (line: string | undefined) => void): boolean {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const rest = chunk.subarray(start, end);
      if (this.#partialBytes + rest.length > this.#longest) return false;
      const bytes = this.#partialBytes === 0 ? rest : Buffer.concat([...this.#partial, rest]);
      this.#partial = [];
      this.#partialBytes = 0;
      start = end + 1;
      onLine(isUtf8(bytes) ? bytes.toString('utf8') : undefined);
    }
    if (start < chunk.length) {
      this.#partialBytes += chunk.length - start;
      if (this.#partialBytes > this.#longest) return false;
      this.#partial.push(chunk.subarray(start));
    }
    return true;
  }
}
