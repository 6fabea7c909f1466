import type { ModelRoute } from '@raypher/policy';
import type { Exchange } from './exchange.ts';
import { withModel } from './model-name.ts';
import type { Changes } from './outgoing-request.ts';
import { knownPath } from './providers.ts';

/**
 * The request with the model it is sent to instead, everything else as it was.
 *
 * @returns undefined when the request names its model in a way that cannot be rewritten
 */
export function routed(exchange: Exchange, changes: Changes, { model }: ModelRoute): Changes | undefined {
  if (exchange.models.length !== 1) return undefined;
  const { provider } = exchange.destination;
  const known = provider === undefined ? undefined : knownPath(provider, changes.path);
  if (known?.model !== undefined) {
    const { start, end } = known.model;
    const path = changes.path.slice(0, start) + encodeURIComponent(model) + changes.path.slice(end);
    return { ...changes, path };
  }
  // Whatever the body says, the query is what counts there.
  if (known?.operation?.model === 'query') return undefined;
  const plain = changes.body ?? exchange.read.plain;
  const body = plain === undefined ? undefined : withModel(plain, model);
  return body === undefined ? undefined : { ...changes, body };
}
