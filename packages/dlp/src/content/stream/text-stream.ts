import { decodeBytes } from '../charset.ts';
import { Channel } from './channel.ts';
import type { ByteTransform } from './event-stream.ts';
import type { Finder } from './finder.ts';
import { type Frame, frameBytes } from './frame.ts';
import { joinBytes } from './framer.ts';

/** Bytes are held in pieces of this size, so that a long chunk does not wait for its last word. */
const PIECE = 256;

/** A stream that is nothing but text. */
export class TextStream implements ByteTransform {
  readonly #channel: Channel;
  #frames: Frame[] = [];
  /** The beginning of a character that is not complete. */
  #cut = new Uint8Array(0);

  constructor(finder: Finder) {
    this.#channel = new Channel(finder, 'text', { path: '', role: 'message' });
  }

  push(chunk: Uint8Array): Uint8Array {
    const bytes = joinBytes([this.#cut, chunk]);
    const whole = bytes.length - cutCharacter(bytes);
    this.#cut = bytes.slice(whole);
    for (let at = 0; at < whole; ) {
      let end = Math.min(at + PIECE, whole);
      // A piece begins with a character, never inside of one.
      for (let back = 0; back < 3 && end < whole && ((bytes[end] ?? 0) & 0xc0) === 0x80; back++) end--;
      this.#add(bytes.slice(at, end));
      at = end;
    }
    this.#channel.settle(false);
    return this.#settled();
  }

  end(): Uint8Array {
    if (this.#cut.length > 0) this.#add(this.#cut);
    this.#channel.settle(true);
    return this.#settled();
  }

  #add(bytes: Uint8Array): void {
    const { text, encode } = decodeBytes(bytes);
    const frame: Frame = { bytes, text, encode, edits: [], open: 0 };
    this.#frames.push(frame);
    this.#channel.add(text, frame, (edit) => [edit]);
  }

  #settled(): Uint8Array {
    const held = this.#frames.findIndex(({ open }) => open > 0);
    const leaving = held === -1 ? this.#frames : this.#frames.slice(0, held);
    this.#frames = held === -1 ? [] : this.#frames.slice(held);
    return joinBytes(leaving.map(frameBytes));
  }
}

/** Bytes at the end that begin a UTF-8 character (RFC 3629) and do not finish it: 0 to 3. */
function cutCharacter(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
