import { type KnownPath, ProviderPaths } from './provider-paths.ts';
import { type Dialect, loadProviderTable, type ProviderTable } from './provider-table.ts';

export type { Dialect } from './provider-table.ts';

type ProviderEntry = ProviderTable['providers'][number];

export interface Provider {
  readonly id: string;
  readonly name: string;
  /** `http://127.0.0.1:8888/<id>` stands for its origin; what follows is sent on unchanged. */
  readonly prefix: string;
  /** Undefined where each customer has a host of its own. */
  readonly origin: string | undefined;
  readonly dialect: Dialect;
  /** Variables that its clients take a key from. */
  readonly environment: readonly string[];
}

interface KnownProvider extends Provider {
  readonly entry: ProviderEntry;
  readonly paths: ProviderPaths;
  readonly hostPatterns: readonly RegExp[];
}

const TABLE = loadProviderTable();

const KNOWN: readonly KnownProvider[] = TABLE.providers.map((entry) => {
  const { id, name, origin, hosts, environment = [`${id.toUpperCase()}_API_KEY`] } = entry;
  const paths = new ProviderPaths(entry, TABLE.surfaces);
  return Object.freeze({
    id,
    name,
    prefix: `/${id}`,
    origin: hasTenants(entry) ? undefined : origin,
    dialect: paths.otherwise.dialect,
    environment,
    entry,
    paths,
    hostPatterns: hosts.filter((host) => host.includes('*')).map(hostPattern),
  });
});

/** The providers that are known by name. */
export const PROVIDERS: readonly Provider[] = KNOWN;

const BY_ID = new Map(KNOWN.map((known) => [known.id, known]));
const BY_HOST = new Map(
  KNOWN.filter(({ entry }) => entry.local !== true).flatMap((known) =>
    known.entry.hosts.filter((host) => !host.includes('*')).map((host) => [host, known] as const),
  ),
);
const BY_PATTERN = KNOWN.filter(({ hostPatterns }) => hostPatterns.length > 0);
const LOCAL = KNOWN.filter(({ entry }) => entry.local === true);
/** The longest first. */
const UNPREFIXED = KNOWN.flatMap((known) =>
  (known.entry.unprefixed ?? []).map((start) => ({ start, known })),
).toSorted((a, b) => b.start.length - a.start.length);

export function providerById(id: string): Provider | undefined {
  return BY_ID.get(id);
}

/** Of a provider on this machine the port counts as well: other things listen on the loopback, too. */
export function providerByHost(host: string, port: number): Provider | undefined {
  const exact = BY_HOST.get(host) ?? localProvider(host, port);
  return exact ?? BY_PATTERN.find(({ hostPatterns }) => hostPatterns.some((pattern) => pattern.test(host)));
}

/** Whether a model provider of the table listens at this address of this machine. */
export function isLocalProvider(host: string, port: number): boolean {
  return localProvider(host, port) !== undefined;
}

/**
 * What the table says about a path.
 *
 * @param path as it is sent to the provider
 */
export function knownPath(provider: Provider, path: string): KnownPath | undefined {
  return BY_ID.get(provider.id)?.paths.find(path);
}

/** Where a path of the proxy's own address leads. */
export interface Routed {
  readonly provider: Provider;
  readonly origin: string;
  readonly path: string;
}

/**
 * The provider that a path of the proxy's own address stands for, and the path to send on.
 *
 * @param anthropicHeader whether the request carries `anthropic-version`: both providers have `/v1/models`
 */
export function routeByPath(path: string, anthropicHeader: boolean): Routed | undefined {
  const [, id = ''] = /^\/([a-z0-9]+)(?=[/?]|$)/.exec(path) ?? [];
  const named = BY_ID.get(id);
  if (named !== undefined) return routeWithin(named, path.slice(named.prefix.length));
  const match = UNPREFIXED.find(({ start }) => startsWith(path, start))?.known;
  const found = anthropicHeader && match?.id === 'openai' ? BY_ID.get('anthropic') : match;
  return found?.origin === undefined ? undefined : { provider: found, origin: found.origin, path };
}

/** One DNS label: it becomes a part of a host name. */
const TENANT = /^\/(?<tenant>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?=[/?]|$)/i;

function routeWithin(provider: KnownProvider, rest: string): Routed | undefined {
  if (provider.origin !== undefined) return { provider, origin: provider.origin, path: rooted(rest) };
  const tenant = TENANT.exec(rest)?.groups?.tenant;
  if (tenant === undefined) return undefined;
  const { origin, named = {} } = provider.entry;
  const own = Object.hasOwn(named, tenant) ? named[tenant] : undefined;
  return {
    provider,
    origin: own ?? origin.replace('{tenant}', tenant.toLowerCase()),
    path: rooted(rest.slice(tenant.length + 1)),
  };
}

function hasTenants({ origin }: ProviderEntry): boolean {
  return origin.includes('{tenant}');
}

function localProvider(host: string, port: number): KnownProvider | undefined {
  return LOCAL.find(
    ({ entry }) => entry.hosts.includes(host) && port === Number(new URL(entry.origin).port || 80),
  );
}

function startsWith(path: string, start: string): boolean {
  return path.startsWith(start) && /^(?:$|[/?])/.test(path.slice(start.length));
}

function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

/** `*` stays within one label. */
function hostPattern(host: string): RegExp {
  return new RegExp(`^${host.replaceAll('.', '\\.').replaceAll('*', '[a-z0-9-]+')}$`);
}
