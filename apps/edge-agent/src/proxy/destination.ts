import type { IncomingMessage } from 'node:http';
import { normaliseHost } from '@raypher/policy';
import { type Dialect, knownPath, type Provider, providerByHost, routeByPath } from './providers.ts';
import { remembered } from './remembered.ts';

/** Where a request wants to go, as rules and events name it. */
export interface Destination {
  /** Canonical host name or address, without brackets. */
  host: string;
  port: number;
  protocol: 'http:' | 'https:';
  /** Path and query, to be sent on unchanged. */
  path: string;
  provider: Provider | undefined;
  dialect: Dialect;
}

/**
 * Reads the request line: a path of the proxy itself (base URL mode) or an absolute URL (proxy mode,
 * RFC 9112 §3.2.2). The Host header plays no part, so it cannot say something else than the rules saw.
 *
 * @returns undefined when nothing is routed there
 */
export function destinationOf(request: IncomingMessage): Destination | undefined {
  const target = request.url ?? '';
  if (target.startsWith('/')) {
    const route = routeByPath(target, request.headers['anthropic-version'] !== undefined);
    if (route === undefined) return undefined;
    const { provider, origin, path } = route;
    return { ...partsOfOrigin(origin), path, provider, dialect: dialectOf(provider, path) };
  }
  if (!URL.canParse(target)) return undefined;
  const url = new URL(target);
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '') {
    return undefined;
  }
  const address = parts(url);
  const provider = providerByHost(address.host, address.port);
  // What follows the authority, byte for byte: the URL parser would normalise it.
  const path = target.slice(target.indexOf('/', target.indexOf('//') + 2)) || '/';
  const sent = path.startsWith('/') ? path : `/${url.search}`;
  return { ...address, path: sent, provider, dialect: dialectOf(provider, sent) };
}

/** In whose words a path of a provider answers. */
export function dialectOf(provider: Provider | undefined, path: string): Dialect {
  if (provider === undefined) return 'generic';
  return knownPath(provider, path)?.dialect ?? provider.dialect;
}

/** Reads `host:port` of CONNECT (RFC 9110 §9.3.6); undefined when it is not one. */
export function tunnelAuthority(target: string): { host: string; port: number } | undefined {
  const match = /^(?<host>\[[0-9A-Fa-f:.]+\]|[^\s:/@?#[\]]+):(?<port>\d{1,5})$/.exec(target);
  const host = normaliseHost(match?.groups?.host ?? '');
  const port = Number(match?.groups?.port);
  if (host === undefined || !(port >= 1 && port <= 65535)) return undefined;
  return { host: bare(host), port };
}

/** Of providers in the table: one for each, or for each tenant. */
const partsOfOrigin = remembered(512, (origin) => Object.freeze(parts(new URL(origin))));

function parts(url: URL): { host: string; port: number; protocol: 'http:' | 'https:' } {
  const protocol = url.protocol === 'https:' ? 'https:' : 'http:';
  const host = normaliseHost(url.hostname) ?? url.hostname;
  return { host: bare(host), port: Number(url.port || (protocol === 'https:' ? 443 : 80)), protocol };
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
