import type { Destination } from '../proxy/destination.ts';
import type { ModelName } from '../proxy/model-name.ts';

/**
 * The model that a WebSocket to a provider is for: `?model=` where it is named once. Otherwise there is one that nobody
 * can see, since it is named in some message later.
 */
export function modelsOfWebSocket({ provider, path }: Destination): ModelName[] {
  if (provider === undefined) return [];
  const named = new URLSearchParams(path.split('#', 1)[0]?.split('?').slice(1).join('?')).getAll('model');
  const [model] = named;
  return [named.length === 1 && model !== undefined && model !== '' ? model : null];
}
