export type Charset = 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32le' | 'utf-32be' | 'bytes';

/** Bytes read as text in a way that can be undone exactly: `encode(text)` gives the same bytes back. */
export interface DecodedBytes {
  text: string;
  charset: Charset;
  encode(text: string): Uint8Array;
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const utf8Encoder = new TextEncoder();

interface WideCharset {
  charset: Charset;
  width: 2 | 4;
  littleEndian: boolean;
  /** Which bytes of the first four are zero when the text starts with two ASCII characters. */
  zeros: readonly boolean[];
}

// Byte order marks are the same pattern one level up: a mark is looked for first, then the zeros that
// RFC 4627 §3 describes. JSON decoders of several languages still guess like that.
const WIDE: readonly WideCharset[] = [
  { charset: 'utf-32le', width: 4, littleEndian: true, zeros: [false, true, true, true] },
  { charset: 'utf-32be', width: 4, littleEndian: false, zeros: [true, true, true, false] },
  { charset: 'utf-16le', width: 2, littleEndian: true, zeros: [false, true, false, true] },
  { charset: 'utf-16be', width: 2, littleEndian: false, zeros: [true, false, true, false] },
];

/**
 * Reads bytes as UTF-8, as UTF-16 or UTF-32 when a byte order mark or the zeros of ASCII text give it away,
 * else byte by byte (ISO 8859-1), in which form every ASCII secret still can be seen. A mark stays part of the text.
 */
export function decodeBytes(bytes: Uint8Array): DecodedBytes {
  const wide = wideCharset(bytes);
  const text = wide === undefined ? undefined : decodeWide(bytes, wide);
  if (wide !== undefined && text !== undefined) {
    return { text, charset: wide.charset, encode: (edited) => encodeWide(edited, wide) };
  }
  const utf8Text = decodeUtf8(bytes);
  if (utf8Text !== undefined) return { text: utf8Text, charset: 'utf-8', encode: encodeUtf8 };
  return { text: byteString(bytes), charset: 'bytes', encode: bytesOf };
}

/** @returns undefined when it is not UTF-8; without an exception, which costs more than the decoding */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const text = utf8.decode(bytes);
  if (!text.includes('\ufffd')) return text;
  // The replacement character may have been in the text.
  const again = utf8Encoder.encode(text);
  return again.length === bytes.length && again.every((byte, at) => byte === bytes[at]) ? text : undefined;
}

export function encodeUtf8(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

/** One character per byte. */
export function byteString(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8_192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  }
  return text;
}

/** The reverse of {@link byteString}; what was inserted outside of ISO 8859-1 is written in UTF-8. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0xff) return bytesOf(text.replace(/[^\0-\xff]+/gu, (run) => byteString(encodeUtf8(run))));
    bytes[at] = unit;
  }
  return bytes;
}

function wideCharset(bytes: Uint8Array): WideCharset | undefined {
  if (bytes.length < 2) return undefined;
  const [a, b, c, d] = bytes;
  if (a === 0xff && b === 0xfe)
    return find(c === 0 && d === 0 && bytes.length % 4 === 0 ? 'utf-32le' : 'utf-16le');
  if (a === 0xfe && b === 0xff) return find('utf-16be');
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return find('utf-32be');
  if (bytes.length < 4) return undefined;
  return WIDE.find(({ zeros }) => zeros.every((zero, at) => (bytes[at] === 0) === zero));
}

function find(charset: Charset): WideCharset | undefined {
  return WIDE.find((wide) => wide.charset === charset);
}

function decodeWide(bytes: Uint8Array, { width, littleEndian }: WideCharset): string | undefined {
  if (bytes.length % width !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const units: string[] = [];
  for (let at = 0; at < bytes.length; at += width) {
    const point = width === 2 ? view.getUint16(at, littleEndian) : view.getUint32(at, littleEndian);
    // A surrogate spelt in UTF-32 could not be told from a pair when it is written back.
    if (point > 0x10ffff || (width === 4 && point >= 0xd800 && point <= 0xdfff)) return undefined;
    units.push(width === 2 ? String.fromCharCode(point) : String.fromCodePoint(point));
  }
  return units.join('');
}

function encodeWide(text: string, { width, littleEndian }: WideCharset): Uint8Array {
  const points =
    width === 2
      ? text.split('').map((unit) => unit.charCodeAt(0))
      : [...text].map((c) => c.codePointAt(0) ?? 0);
  const view = new DataView(new ArrayBuffer(points.length * width));
  for (const [at, point] of points.entries()) {
    if (width === 2) view.setUint16(at * 2, point, littleEndian);
    else view.setUint32(at * 4, point, littleEndian);
  }
  return new Uint8Array(view.buffer);
}

/** Whether text came out of something that is not text: control characters other than white space. */
export function looksBinary(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return /[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(text);
}
