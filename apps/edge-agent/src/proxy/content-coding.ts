import type { Transform } from 'node:stream';
import {
  brotliDecompress,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzip,
  inflate,
  zstdDecompress,
} from 'node:zlib';
import { INFLATE_LIMITS } from '@raypher/dlp';

/** `info`, which the types leave out: the content comes with the engine, which knows how much it took in. */
type UnpackWhole = (
  packed: Buffer,
  options: { readonly maxOutputLength: number; readonly info: true },
  done: (error: Error | null, result: Buffer) => void,
) => void;

interface Coding {
  readonly whole: UnpackWhole;
  readonly stream: () => Transform;
}

/** Codings of RFC 9110 §8.4.1 and RFC 8878, as a whole and as a stream. */
const CODINGS = {
  gzip: { whole: gunzip, stream: createGunzip },
  'x-gzip': { whole: gunzip, stream: createGunzip },
  deflate: { whole: inflate, stream: createInflate },
  br: { whole: brotliDecompress, stream: createBrotliDecompress },
  zstd: { whole: zstdDecompress, stream: createZstdDecompress },
} as const satisfies Readonly<Record<string, Coding>>;

/** Below this size no ratio is suspicious. */
const RATIO_FROM_BYTES = 1024 * 1024;

/**
 * Undoes the content codings of a body, the last one first.
 *
 * @param header value of `Content-Encoding`
 * @returns undefined for what cannot be read: an unknown coding, damaged data, or one that grows beyond all measure
 */
export async function decodeContent(
  body: Buffer,
  header: string | undefined,
  limitBytes: number,
): Promise<Buffer | undefined> {
  const names = codingsOf(header);
  if (names === undefined) return undefined;
  let plain = body;
  for (const name of names) {
    const maxOutputLength = Math.min(limitBytes, INFLATE_LIMITS.maxBytes);
    const unpacked = await unpack(CODINGS[name].whole, plain, maxOutputLength);
    if (unpacked === undefined) return undefined;
    plain = unpacked;
  }
  const isBomb = plain.length > RATIO_FROM_BYTES && plain.length > body.length * INFLATE_LIMITS.maxRatio;
  return isBomb ? undefined : plain;
}

/** What Node.js gives for `info`. */
interface Unpacked {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/**
 * @returns undefined also when something stands behind the end of what is packed: other readers go on there, to the
 *   next frame (RFC 8878 §3) for one, and would see what nobody here has looked at
 */
function unpack(whole: UnpackWhole, packed: Buffer, maxOutputLength: number): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  whole(packed, { maxOutputLength, info: true }, (error, result) => {
    // With `info` the result is this; the types know only of what comes without.
    const { buffer, engine } = (error === null ? result : {}) as Partial<Unpacked>;
    resolve(engine?.bytesWritten === packed.length ? buffer : undefined);
  });
  return promise;
}

/** The same for an answer while it arrives; undefined for a coding that is not known. */
export function contentDecoders(header: string | undefined): Transform[] | undefined {
  return codingsOf(header)?.map((name) => CODINGS[name].stream());
}

/** In the order in which they are undone; empty when there are none, undefined when one is not known. */
function codingsOf(header: string | undefined): (keyof typeof CODINGS)[] | undefined {
  const names = (header ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length > INFLATE_LIMITS.maxLayers || !names.every(isCoding)) return undefined;
  return names.toReversed();
}

function isCoding(name: string): name is keyof typeof CODINGS {
  return Object.hasOwn(CODINGS, name);
}
