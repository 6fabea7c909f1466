/** Fields that are messages, by number, with their own. What is missing here is a leaf. */
interface Shape {
  readonly [field: number]: Shape;
}

const LEAF: Shape = {};
/** Its eight fields together count as one: a device may well have tens of thousands of processes. */
const PROCESS: Shape = {};
const APPLIED: Shape = { 1: LEAF, 2: LEAF };
/** AgentMessage of link.proto. */
const AGENT_MESSAGE: Shape = {
  1: { 11: LEAF, 12: APPLIED, 13: LEAF },
  2: { 3: APPLIED, 4: LEAF },
  3: { 5: LEAF },
  4: LEAF,
  5: LEAF,
  6: { 3: { 12: PROCESS } },
  7: { 3: LEAF },
  8: { 4: LEAF },
};

/** More than a device full of AI agents has to say. */
export const MAX_FIELDS = 200_000;

/**
 * Whether a frame is worth decoding. An empty element of a list takes two bytes on the wire and a hundred in
 * memory: one frame of 4 MiB could hold two million and keep every other device waiting for a second. So the
 * fields are counted before anything is made of them.
 *
 * @returns false for a frame with more than {@link MAX_FIELDS} fields, or one that is not protobuf at all.
 */
export function isWorthDecoding(frame: Uint8Array): boolean {
  return count(frame, 0, frame.length, AGENT_MESSAGE, 0) <= MAX_FIELDS;
}

/** @returns the fields so far; `Infinity` as soon as it is clear that the frame will not do. */
function count(frame: Uint8Array, from: number, to: number, shape: Shape, before: number): number {
  const reader = { at: from };
  const weight = shape === PROCESS ? 1 / 8 : 1;
  let fields = before;
  while (reader.at < to) {
    fields += weight;
    if (fields > MAX_FIELDS) return Number.POSITIVE_INFINITY;
    const tag = varint(frame, reader);
    const start = skip(frame, reader, tag % 8);
    if (start === undefined || reader.at > to) return Number.POSITIVE_INFINITY;
    const inner = tag % 8 === 2 ? shape[Math.floor(tag / 8)] : undefined;
    if (inner !== undefined) fields = count(frame, start, reader.at, inner, fields);
  }
  return fields;
}

/** Goes past one value. @returns where its bytes begin; undefined for a wire type that this protocol does not have. */
function skip(frame: Uint8Array, reader: { at: number }, wireType: number): number | undefined {
  switch (wireType) {
    case 0:
      varint(frame, reader);
      return reader.at;
    case 1:
      reader.at += 8;
      return reader.at;
    case 2: {
      const length = varint(frame, reader);
      const start = reader.at;
      reader.at += length;
      return start;
    }
    case 5:
      reader.at += 4;
      return reader.at;
    default:
      return undefined;
  }
}

/** Precise up to 2^53, which is more than any tag or length that fits. Past the end the reader is nowhere. */
function varint(frame: Uint8Array, reader: { at: number }): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = frame[reader.at];
    if (byte === undefined) {
      reader.at = Number.POSITIVE_INFINITY;
      return 0;
    }
    reader.at += 1;
    value += (byte % 128) * scale;
    if (byte < 128) return value;
  }
}
