/** Whose error shape and API a provider speaks. */
export type Dialect = 'openai' | 'anthropic' | 'gemini' | 'ollama' | 'generic';

export interface Provider {
  id: string;
  /** `http://127.0.0.1:8888/<id>` stands for {@link Provider.origin}; what follows is sent on unchanged. */
  prefix: string;
  /** What rules see. */
  host: string;
  origin: string;
  dialect: Dialect;
}

/**
 * The providers that can be used by changing a base URL alone.
 * One line each; hosts are also recognised when they are reached through the proxy by name.
 */
export const PROVIDERS: readonly Provider[] = [
  provider('openai', 'https://api.openai.com', 'openai'),
  provider('anthropic', 'https://api.anthropic.com', 'anthropic'),
  provider('deepseek', 'https://api.deepseek.com', 'openai'),
  provider('mistral', 'https://api.mistral.ai', 'openai'),
  provider('openrouter', 'https://openrouter.ai', 'openai'),
  provider('groq', 'https://api.groq.com', 'openai'),
  provider('gemini', 'https://generativelanguage.googleapis.com', 'gemini'),
  provider('ollama', 'http://127.0.0.1:11434', 'ollama'),
];

/** Paths without a provider in front, as the official clients write them when only the origin is replaced. */
const UNPREFIXED: readonly { path: RegExp; provider: string }[] = [
  { path: /^\/v1\/(messages|complete)(\/|\?|$)/, provider: 'anthropic' },
  { path: /^\/v1beta\//, provider: 'gemini' },
  { path: /^\/api\/(chat|generate|embed|embeddings|tags|show|ps|version)(\?|$)/, provider: 'ollama' },
  { path: /^\/v1(\/|\?|$)/, provider: 'openai' },
];

export function providerById(id: string): Provider | undefined {
  return PROVIDERS.find((known) => known.id === id);
}

/** Of a provider on this machine the port counts as well: other things listen on the loopback, too. */
export function providerByHost(host: string, port: number): Provider | undefined {
  return PROVIDERS.find((known) =>
    LOOPBACK.test(known.host) ? LOOPBACK.test(host) && port === portOf(known) : known.host === host,
  );
}

/** Whether a model provider of the table listens at this address of this machine. */
export function isLocalProvider(host: string, port: number): boolean {
  const found = LOOPBACK.test(host) ? providerByHost(host, port) : undefined;
  return found !== undefined;
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|::1)$/;

function portOf({ origin }: Provider): number {
  return Number(new URL(origin).port || 80);
}

/**
 * The provider that a path of the proxy's own address stands for, and the path to send on.
 *
 * @param anthropicHeader whether the request carries `anthropic-version`: both providers have `/v1/models`
 */
export function routeByPath(
  path: string,
  anthropicHeader: boolean,
): { provider: Provider; path: string } | undefined {
  for (const known of PROVIDERS) {
    const next = path.charAt(known.prefix.length);
    if (path.startsWith(known.prefix) && (next === '/' || next === '?' || next === '')) {
      const rest = path.slice(known.prefix.length);
      return { provider: known, path: rest.startsWith('/') ? rest : `/${rest}` };
    }
  }
  const match = UNPREFIXED.find((candidate) => candidate.path.test(path));
  const id = anthropicHeader && match?.provider === 'openai' ? 'anthropic' : match?.provider;
  const found = id === undefined ? undefined : providerById(id);
  return found === undefined ? undefined : { provider: found, path };
}

function provider(id: string, origin: string, dialect: Dialect): Provider {
  return { id, prefix: `/${id}`, host: new URL(origin).hostname, origin, dialect };
}
