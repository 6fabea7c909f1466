import type { IncomingMessage } from 'node:http';
import { decodeContent } from './content-coding.ts';
import type { Destination } from './destination.ts';
import { isForm, modelsInForm } from './model-in-form.ts';
import { type ModelName, modelsInJson } from './model-name.ts';
import { knownPath } from './providers.ts';
import type { Excerpt } from './transcript.ts';

export interface ReadBody {
  /** What to send on: the bytes as they came. Undefined: there is no body. */
  body: Buffer | AsyncIterable<Buffer> | undefined;
  /** The body without its content coding; undefined when it is not held, or its coding cannot be undone. */
  plain: Buffer | undefined;
  /** When the beginning of the body is known: all of it that has to be looked at. */
  excerpt: Excerpt | undefined;
  /** Empty: no model is involved. */
  models: ModelName[];
}

/** Of paths that the table of providers does not have: calls that always use a model, even when the body does not name it (an assistant or a stored prompt does). */
const GENERATES =
  /[/:](?:chat|completions?|complete|messages|responses|conversations|runs|generate|generations|edits|variations|embed(?:dings)?|speech|transcriptions|translations|moderations|rerank|ocr|realtime|batches|(?:stream)?generateContent|(?:batch)?embedContents?)(?:[/?:#]|$)/i;
/** What a path that names a model has in it, when it does so in some way that is not understood. */
const MENTIONS_MODEL = /(?:models?|deployments|endpoints)[/\\]/i;
/** Providers of which some path names the model. */
const NAMES_MODEL_IN_PATH: ReadonlySet<string> = new Set(['gemini', 'vertex', 'azure', 'bedrock']);
/** Providers at which a path that the table does not have may lead to any model, whatever the body says. */
const MODEL_ANYWHERE: ReadonlySet<string> = new Set([
  'gemini',
  'vertex',
  'bedrock',
  'huggingface',
  'fireworks',
  'nvidia',
]);

/**
 * Reads as much of a request as it takes to learn which model it is for and what is in it, without changing a byte.
 * Bodies for others than model providers stream past unless they are to be looked through.
 *
 * @param limitBytes larger bodies are not held in memory; their model is then unknown (`null`)
 * @param lookThrough whether the body is wanted whoever it is for
 * @param excerptOf what has to be looked at of a body whose beginning is known
 */
export async function readRequestBody(
  request: IncomingMessage,
  destination: Destination,
  limitBytes: number,
  lookThrough: boolean,
  excerptOf: (plain: Buffer) => Excerpt | undefined = () => undefined,
): Promise<ReadBody> {
  const unread = { plain: undefined, excerpt: undefined };
  if (!hasBody(request)) return { body: undefined, ...unread, models: modelsInTarget(destination) };
  const tooLarge: ModelName[] = destination.provider === undefined ? [] : [null];
  if (destination.provider === undefined && !lookThrough) {
    return { body: request, ...unread, models: [] };
  }
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    return { body: request, ...unread, models: tooLarge };
  }
  const held = heldAlready(request, limitBytes) ?? (await collect(request, limitBytes));
  if (!Buffer.isBuffer(held)) return { body: held, ...unread, models: tooLarge };
  const body = held;
  const plain = await decodeContent(body, request.headers['content-encoding'], limitBytes);
  const excerpt = plain === undefined ? undefined : excerptOf(plain);
  return { body, plain, excerpt, models: modelsOf(request, destination, excerpt?.bytes ?? plain) };
}

/** A body that came in one piece with its head, as most do; undefined where more is to come. */
function heldAlready(request: IncomingMessage, limitBytes: number): Buffer | undefined {
  // HTTP/2 calls a body complete as well that was broken off.
  if (request.httpVersionMajor !== 1 || !request.complete || request.readableLength > limitBytes)
    return undefined;
  const all: unknown = request.read();
  return Buffer.isBuffer(all) ? all : undefined;
}

/** All of it, or, when it is too much to hold, the stream it was. */
async function collect(
  request: IncomingMessage,
  limitBytes: number,
): Promise<Buffer | AsyncIterable<Buffer>> {
  const chunks: Buffer[] = [];
  let size = 0;
  const source = request[Symbol.asyncIterator]();
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    const chunk: Buffer = next.value;
    chunks.push(chunk);
    size += chunk.length;
    if (size > limitBytes) return replay(chunks, source);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function modelsOf(
  request: IncomingMessage,
  destination: Destination,
  plain: Buffer | undefined,
): ModelName[] {
  const { provider, path } = destination;
  if (provider === undefined) return [];
  const inTarget = modelsInTarget(destination);
  if (inTarget.length > 0) return inTarget;
  const operation = knownPath(provider, path)?.operation;
  const isAnywhere = operation === undefined && MODEL_ANYWHERE.has(provider.id);
  if (plain === undefined || isAnywhere || operation?.model === 'within') return [null];
  const contentType = request.headers['content-type'] ?? '';
  // The content type proves nothing: several servers read JSON whatever it says.
  const named = isForm(contentType, plain) ? modelsInForm(plain, contentType) : modelsInJson(plain);
  if (named.length > 0) return named;
  const usesModel = operation === undefined ? GENERATES.test(decoded(path)) : operation.model !== 'none';
  return usesModel ? [null] : [];
}

/** As a lenient server may read it. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Models that the path names, or the query; empty where they are in the body or nowhere. */
function modelsInTarget({ provider, path }: Destination): ModelName[] {
  if (provider === undefined) return [];
  const { operation, model } = knownPath(provider, path) ?? {};
  if (model !== undefined) return [decodedName(path.slice(model.start, model.end))];
  if (operation?.model === 'query') return modelsInQuery(provider.id, path);
  const isUnknown = operation === undefined && NAMES_MODEL_IN_PATH.has(provider.id);
  return isUnknown && MENTIONS_MODEL.test(decoded(path)) ? [null] : [];
}

/** Azure names a deployment as well, in any case; servers differ about which of two counts. */
function modelsInQuery(provider: string, path: string): ModelName[] {
  const query = path.split('?').slice(1).join('?');
  const values = [...new URLSearchParams(query)].flatMap(([name, value]) => {
    const key = name.toLowerCase();
    return key === 'model' || (key === 'deployment' && provider === 'azure') ? [value] : [];
  });
  const [only] = values;
  if (only === undefined) return [];
  // To some servers a semicolon parts parameters as well.
  return [values.length === 1 && only !== '' && !query.includes(';') ? only : null];
}

function decodedName(written: string): ModelName {
  try {
    return decodeURIComponent(written);
  } catch {
    return null;
  }
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
