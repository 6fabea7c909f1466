import type { KeyHeader } from './provider-paths.ts';
import { knownPath, PROVIDERS, providerById } from './providers.ts';

/**
 * How a provider wants its key. Undefined for one that takes no keys, that nobody knows, or whose customers have hosts
 * of their own: a key of the organisation could be sent to somebody else's.
 *
 * @param path as it is sent to the provider
 */
export function keyHeaderOf(provider: string, path = ''): KeyHeader | undefined {
  const known = providerById(provider);
  return known?.origin === undefined ? undefined : knownPath(known, path)?.key;
}

export const PROVIDERS_WITH_KEYS: readonly string[] = PROVIDERS.map(({ id }) => id).filter(
  (id) => keyHeaderOf(id) !== undefined,
);
