import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import type { Destination } from './destination.ts';
import { type ModelName, modelsInJson } from './model-name.ts';

export interface ReadBody {
  /** What to send on: the bytes as they came. Undefined: there is no body. */
  body: Buffer | AsyncIterable<Buffer> | undefined;
  /** Empty: no model is involved. */
  models: ModelName[];
}

const DECODERS = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
} as const;

/** A form begins with the boundary, which begins with two of these. */
const DASH = 0x2d;

/** Gemini names the model in the path. */
const MODEL_IN_PATH = /^\/v1(?:beta|alpha)?\/(?:models|tunedModels)\/(?<model>[^/:?]+)/;
/** Calls that always use a model, even when the body does not name it (an assistant or a stored prompt does). */
const GENERATES =
  /[/:](?:chat|completions?|complete|messages|responses|conversations|runs|generate|generations|edits|variations|embed(?:dings)?|speech|transcriptions|translations|moderations|rerank|ocr|realtime|batches|(?:stream)?generateContent|(?:batch)?embedContents?)(?:[/?:#]|$)/i;
/** What a path of Gemini has in it when it names a model in some way that is not understood. */
const MENTIONS_MODEL = /models?[/\\]/i;

/**
 * Reads as much of a request as it takes to learn which model it is for, without changing a byte of it.
 * Only calls to model providers are read; everything else streams past.
 *
 * @param limitBytes larger bodies are not held in memory; their model is then unknown (`null`)
 */
export async function readRequestBody(
  request: IncomingMessage,
  destination: Destination,
  limitBytes: number,
): Promise<ReadBody> {
  if (!hasBody(request)) return { body: undefined, models: modelsInPath(destination) };
  if (destination.provider === undefined) return { body: request, models: [] };
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    return { body: request, models: [null] };
  }
  const chunks: Buffer[] = [];
  let size = 0;
  const source = request[Symbol.asyncIterator]();
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    const chunk: Buffer = next.value;
    chunks.push(chunk);
    size += chunk.length;
    if (size > limitBytes) return { body: replay(chunks, source), models: [null] };
  }
  const body = Buffer.concat(chunks);
  return { body, models: await modelsOf(request, destination, body, limitBytes) };
}

async function modelsOf(
  request: IncomingMessage,
  destination: Destination,
  body: Buffer,
  limitBytes: number,
): Promise<ModelName[]> {
  const inPath = modelsInPath(destination);
  if (inPath.length > 0) return inPath;
  const plain = await decode(body, request.headers['content-encoding'], limitBytes);
  if (plain === undefined) return [null];
  const isForm =
    request.headers['content-type']?.toLowerCase().startsWith('multipart/') === true && plain[0] === DASH;
  // The content type proves nothing: several servers read JSON whatever it says.
  const named = isForm ? modelsInForm(plain) : modelsInJson(plain);
  return named.length === 0 && GENERATES.test(decoded(destination.path)) ? [null] : named;
}

/** As a lenient server may read it. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function modelsInPath(destination: Destination): ModelName[] {
  if (destination.dialect !== 'gemini') return [];
  const model = MODEL_IN_PATH.exec(destination.path)?.groups?.model;
  if (model === undefined) return MENTIONS_MODEL.test(decoded(destination.path)) ? [null] : [];
  try {
    return [decodeURIComponent(model)];
  } catch {
    return [null];
  }
}

/** Audio and image uploads carry the model as a form field (RFC 7578). */
function modelsInForm(body: Buffer): ModelName[] {
  // Everything is bounded: a form made of beginnings of this must not keep the proxy busy.
  const field =
    /name="?model"?[^\r\n]{0,64}\r\n(?:[^\r\n]{1,128}\r\n){0,4}\r\n(?<value>[^\r\n]{1,256})\r\n/gi;
  const named = [...body.toString('latin1').matchAll(field)].map((match) => match.groups?.value ?? null);
  return named.length > 1 ? [null] : named;
}

async function decode(
  body: Buffer,
  encoding: string | undefined,
  limitBytes: number,
): Promise<Buffer | undefined> {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity' || name === '') return body;
  if (!isDecoder(name)) return undefined;
  try {
    return await DECODERS[name](body, { maxOutputLength: limitBytes });
  } catch {
    return undefined;
  }
}

function isDecoder(name: string): name is keyof typeof DECODERS {
  return Object.hasOwn(DECODERS, name);
}

function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

async function* replay(chunks: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
