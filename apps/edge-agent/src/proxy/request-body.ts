import type { IncomingMessage } from 'node:http';
import { decodeContent } from './content-coding.ts';
import type { Destination } from './destination.ts';
import { type ModelName, modelsInJson } from './model-name.ts';

export interface ReadBody {
  /** What to send on: the bytes as they came. Undefined: there is no body. */
  body: Buffer | AsyncIterable<Buffer> | undefined;
  /** The body without its content coding; undefined when it is not held, or its coding cannot be undone. */
  plain: Buffer | undefined;
  /** Empty: no model is involved. */
  models: ModelName[];
}

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
 * Reads as much of a request as it takes to learn which model it is for and what is in it, without changing a byte.
 * Bodies for others than model providers stream past unless they are to be looked through.
 *
 * @param limitBytes larger bodies are not held in memory; their model is then unknown (`null`)
 * @param lookThrough whether the body is wanted whoever it is for
 */
export async function readRequestBody(
  request: IncomingMessage,
  destination: Destination,
  limitBytes: number,
  lookThrough: boolean,
): Promise<ReadBody> {
  if (!hasBody(request)) return { body: undefined, plain: undefined, models: modelsInPath(destination) };
  const tooLarge: ModelName[] = destination.provider === undefined ? [] : [null];
  if (destination.provider === undefined && !lookThrough) {
    return { body: request, plain: undefined, models: [] };
  }
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    return { body: request, plain: undefined, models: tooLarge };
  }
  const chunks: Buffer[] = [];
  let size = 0;
  const source = request[Symbol.asyncIterator]();
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    const chunk: Buffer = next.value;
    chunks.push(chunk);
    size += chunk.length;
    if (size > limitBytes) return { body: replay(chunks, source), plain: undefined, models: tooLarge };
  }
  const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  const plain = await decodeContent(body, request.headers['content-encoding'], limitBytes);
  return { body, plain, models: modelsOf(request, destination, plain) };
}

function modelsOf(
  request: IncomingMessage,
  destination: Destination,
  plain: Buffer | undefined,
): ModelName[] {
  if (destination.provider === undefined) return [];
  const inPath = modelsInPath(destination);
  if (inPath.length > 0) return inPath;
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

function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

/** What was read of a stream already, then the rest of it. */
export async function* replay(
  chunks: readonly Buffer[],
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer> {
  yield* chunks;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
