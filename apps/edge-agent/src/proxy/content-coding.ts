import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
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

/** Codings of RFC 9110 §8.4.1 and RFC 8878, as a whole and as a stream. */
const CODINGS = {
  gzip: { whole: promisify(gunzip), stream: createGunzip },
  'x-gzip': { whole: promisify(gunzip), stream: createGunzip },
  deflate: { whole: promisify(inflate), stream: createInflate },
  br: { whole: promisify(brotliDecompress), stream: createBrotliDecompress },
  zstd: { whole: promisify(zstdDecompress), stream: createZstdDecompress },
} as const;

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
    try {
      plain = await CODINGS[name].whole(plain, { maxOutputLength });
    } catch {
      return undefined;
    }
  }
  const isBomb = plain.length > RATIO_FROM_BYTES && plain.length > body.length * INFLATE_LIMITS.maxRatio;
  return isBomb ? undefined : plain;
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
