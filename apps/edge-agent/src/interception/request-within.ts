import type { IncomingMessage } from 'node:http';
import { normaliseHost } from '@raypher/policy';
import { type Destination, destinationOf, dialectOf } from '../proxy/destination.ts';
import { providerByHost } from '../proxy/providers.ts';
import type { InterceptedConnection } from './intercepted-connection.ts';

/**
 * Where a request inside an intercepted connection goes: to whom the connection is. Its Host header must say the same,
 * because a front that hosts many names would follow the header (domain fronting).
 *
 * @returns the other name when it is addressed to somebody else; undefined when it has no readable target
 */
export function destinationWithin(
  connection: InterceptedConnection,
  request: IncomingMessage,
): Destination | { misdirected: string } | undefined {
  const { port, protocol } = connection;
  const host = connection.byAddress === true ? namedIn(request, connection.host) : connection.host;
  const target = request.url ?? '';
  let path = target;
  if (!target.startsWith('/')) {
    // Servers must understand an absolute URL too (RFC 9112 §3.2.2).
    const absolute = destinationOf(request);
    if (absolute === undefined) return undefined;
    if (absolute.host !== host) return { misdirected: absolute.host };
    path = absolute.path;
  }
  const named = request.headers.host;
  if (named !== undefined && hostOf(named) !== host) return { misdirected: named };
  const provider = providerByHost(host, port);
  return { host, port, protocol, path, provider, dialect: dialectOf(provider, path) };
}

/** Whom a request is for that came on a connection with an address; nothing else can say so. */
function namedIn(request: IncomingMessage, address: string): string {
  const absolute = (request.url ?? '').startsWith('/') ? undefined : destinationOf(request)?.host;
  return absolute ?? hostOf(request.headers.host ?? '') ?? address;
}

/** The port plays no part: rules and the connection itself know it. */
function hostOf(named: string): string | undefined {
  return normaliseHost(named.replace(/:\d{0,5}$/, ''))?.replace(/^\[|\]$/g, '');
}
