import { type Dialect, PROVIDERS, providerById } from './providers.ts';

/** How a provider wants its key. */
export interface KeyHeader {
  name: string;
  scheme: string;
}

const BY_DIALECT: Partial<Record<Dialect, KeyHeader>> = {
  openai: { name: 'authorization', scheme: 'Bearer ' },
  anthropic: { name: 'x-api-key', scheme: '' },
  gemini: { name: 'x-goog-api-key', scheme: '' },
};

/** Where a provider answers in another's dialect, and takes its key as that one does. */
const FOREIGN_PATHS: readonly { provider: string; path: RegExp; as: Dialect }[] = [
  { provider: 'gemini', path: /^\/v1(beta)?\/openai\//, as: 'openai' },
  { provider: 'anthropic', path: /^\/v1\/chat\/completions(\?|$)/, as: 'openai' },
  { provider: 'deepseek', path: /^\/anthropic\//, as: 'anthropic' },
];

/**
 * Undefined for a provider that takes no keys, or that nobody knows.
 *
 * @param path as it is sent to the provider
 */
export function keyHeaderOf(provider: string, path = ''): KeyHeader | undefined {
  const foreign = FOREIGN_PATHS.find((known) => known.provider === provider && known.path.test(path));
  const dialect = foreign?.as ?? providerById(provider)?.dialect;
  return dialect === undefined ? undefined : BY_DIALECT[dialect];
}

export const PROVIDERS_WITH_KEYS: readonly string[] = PROVIDERS.map(({ id }) => id).filter(
  (id) => keyHeaderOf(id) !== undefined,
);
