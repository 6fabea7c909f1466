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

/** Undefined for a provider that takes no keys, or that nobody knows. */
export function keyHeaderOf(provider: string): KeyHeader | undefined {
  const dialect = providerById(provider)?.dialect;
  return dialect === undefined ? undefined : BY_DIALECT[dialect];
}

export const PROVIDERS_WITH_KEYS: readonly string[] = PROVIDERS.map(({ id }) => id).filter(
  (id) => keyHeaderOf(id) !== undefined,
);
