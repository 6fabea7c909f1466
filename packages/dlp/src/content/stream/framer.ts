export type StreamFormat = 'sse' | 'ndjson' | 'json-array' | 'text';

/** Cuts a byte stream into the pieces that mean something on their own. Nothing is lost: joined they are the stream. */
export interface Framer {
  /** @returns frames that are complete now */
  push(chunk: Uint8Array): Uint8Array[];
  /** @returns what is left when the stream has ended; empty when nothing is */
  rest(): Uint8Array;
}

interface FrameEnd {
  /** Sees one byte after the other. @returns whether a frame ends right after (`after`) or right before this byte */
  (byte: number): 'after' | 'before' | undefined;
  /** Sees a whole chunk, much faster. @returns behind which bytes frames end; undefined: it has to be seen byte by byte */
  all?(chunk: Uint8Array): number[] | undefined;
}

const LF = 0x0a;
const CR = 0x0d;

/** Server-sent events end with an empty line; lines end with LF, CR or both (HTML Standard §9.2.5). */
function eventEnd(): FrameEnd {
  let empty = true;
  let carriage = false;
  /** A CR closed an empty line: whether an LF still belongs to it is not known before the next byte. */
  let waiting = false;
  const one: FrameEnd = (byte) => {
    if (waiting) {
      waiting = false;
      carriage = false;
      if (byte === LF) return 'after';
      empty = byte === CR;
      carriage = empty;
      return 'before';
    }
    if (byte === LF) {
      if (carriage) {
        carriage = false;
        return undefined;
      }
      if (empty) return 'after';
      empty = true;
    } else if (byte === CR) {
      waiting = empty;
      carriage = true;
      empty = true;
    } else {
      empty = false;
      carriage = false;
    }
    return undefined;
  };
  // Nearly all servers end lines with LF alone.
  one.all = (chunk) => {
    if (waiting || carriage || chunk.includes(CR)) return undefined;
    const ends: number[] = [];
    let line = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, line)) {
      if (at > line) empty = false;
      if (empty) ends.push(at + 1);
      empty = true;
      line = at + 1;
    }
    if (line < chunk.length) empty = false;
    return ends;
  };
  return one;
}

function lineEnd(): FrameEnd {
  return (byte) => (byte === LF ? 'after' : undefined);
}

/** Elements of one array that is never complete (Gemini without `alt=sse`), with the commas before them. */
function elementEnd(): FrameEnd {
  let depth = 0;
  let inString = false;
  let escaped = false;
  return (byte) => {
    if (inString) {
      if (escaped) escaped = false;
      else if (byte === 0x5c) escaped = true;
      else if (byte === 0x22) inString = false;
      return undefined;
    }
    if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      depth--;
      if (depth <= 1) return 'after';
    }
    return undefined;
  };
}

const FRAME_ENDS: Readonly<Record<Exclude<StreamFormat, 'text'>, () => FrameEnd>> = {
  sse: eventEnd,
  ndjson: lineEnd,
  'json-array': elementEnd,
};

/** @param maxBytes longest frame; a longer one makes `push` throw what `tooLong` gives */
export function createFramer(
  format: Exclude<StreamFormat, 'text'>,
  maxBytes: number,
  tooLong: () => Error,
): Framer {
  const ends = FRAME_ENDS[format]();
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const take = (last: Uint8Array): Uint8Array => {
    if (held.length === 0) return last;
    const frame = joinBytes([...held, last]);
    held = [];
    heldBytes = 0;
    return frame;
  };
  return {
    push(chunk) {
      const frames: Uint8Array[] = [];
      let start = 0;
      const cut = (next: number): void => {
        frames.push(take(chunk.subarray(start, next)));
        start = next;
      };
      const all = ends.all?.(chunk);
      if (all !== undefined) for (const next of all) cut(next);
      else {
        for (let at = 0; at < chunk.length; at++) {
          const end = ends(chunk[at] ?? 0);
          if (end !== undefined) cut(end === 'after' ? at + 1 : at);
        }
      }
      if (start < chunk.length) {
        // A copy: the caller may use its buffer again.
        const tail = chunk.slice(start);
        held.push(tail);
        heldBytes += tail.length;
        if (heldBytes > maxBytes) throw tooLong();
      }
      return frames;
    },
    rest: () => take(new Uint8Array(0)),
  };
}

/** @returns one array with the bytes of all */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
