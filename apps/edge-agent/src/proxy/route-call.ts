import type { ModelRoute } from '@raypher/policy';
import type { Exchange } from './exchange.ts';
import { withModel } from './model-name.ts';
import type { Changes } from './outgoing-request.ts';

/** How providers that name the model in the path write it. */
const MODEL_IN_PATH = /^(?<before>\/v1(?:beta|alpha)?\/(?:models|tunedModels)\/)[^/:?]+/;

/**
 * The request with the model it is sent to instead, everything else as it was.
 *
 * @returns undefined when the request names its model in a way that cannot be rewritten
 */
export function routed(exchange: Exchange, changes: Changes, { model }: ModelRoute): Changes | undefined {
  if (exchange.models.length !== 1) return undefined;
  const inPath = exchange.destination.dialect === 'gemini' ? MODEL_IN_PATH.exec(changes.path) : null;
  if (inPath !== null) {
    const rest = changes.path.slice(inPath[0].length);
    return { ...changes, path: `${inPath.groups?.before ?? ''}${encodeURIComponent(model)}${rest}` };
  }
  const plain = changes.body ?? exchange.read.plain;
  const body = plain === undefined ? undefined : withModel(plain, model);
  return body === undefined ? undefined : { ...changes, body };
}
