/** Reads TPM structures from wire format (TPM 2.0 Part 2): big-endian numbers, sized buffers. */
export class WireReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  uint16(): number {
    return this.take(2).readUInt16BE();
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  /** TPM2B: a 16-bit size and that many bytes. */
  sized(): Buffer {
    return this.take(this.uint16());
  }

  /** @throws RangeError when something follows */
  end(): void {
    const left = this.#bytes.length - this.#offset;
    if (left > 0) throw new RangeError(`A TPM structure is followed by ${left} bytes.`);
  }

  /** @throws RangeError past the end */
  take(bytes: number): Buffer {
    const end = this.#offset + bytes;
    if (end > this.#bytes.length)
      throw new RangeError(`A TPM structure ended after ${this.#bytes.length} bytes.`);
    const part = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return part;
  }
}

export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** TPM2B: a 16-bit size and that many bytes. */
export function sized(content: Buffer): Buffer {
  return Buffer.concat([uint16(content.length), content]);
}
