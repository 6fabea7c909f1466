const NEWLINE = 0x0a;

/** Cuts bytes into lines and keeps them as they are, their ends included. */
export class ByteLines {
  readonly #longest: number;
  #partial: Buffer[] = [];
  #length = 0;

  /** @param longest bytes of a line */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** @returns `undefined` once a line is too long */
  feed(chunk: Buffer): Buffer[] | undefined {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...this.#partial, chunk.subarray(start, end + 1)]);
      if (line.length > this.#longest) return undefined;
      lines.push(line);
      this.#partial = [];
      this.#length = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      // A copy: the chunk's memory belongs to the stream.
      this.#partial.push(Buffer.from(chunk.subarray(start)));
      this.#length += chunk.length - start;
    }
    return this.#length > this.#longest ? undefined : lines;
  }

  /** What came after the last line's end. */
  rest(): Buffer {
    return Buffer.concat(this.#partial);
  }
}
