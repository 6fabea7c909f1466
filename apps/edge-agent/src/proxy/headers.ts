import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Headers that belong to one connection and are never forwarded (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // Belongs to an upgrade to HTTP/2 (RFC 7540 §3.2.1).
  'http2-settings',
  // Answered by this server already (RFC 9110 §10.1.1).
  'expect',
]);

/** Headers that this proxy writes anew, leaves out, or has read as numbers and known words: nothing gets out in them. */
export const WRITTEN_ANEW: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'te',
  'upgrade',
  'expect',
]);

type HeaderLines = Record<string, string | string[]>;

/** What goes on to the upstream: everything end-to-end, with the logical host. */
export function requestHeaders(request: IncomingMessage, host: string): HeaderLines {
  const headers = endToEnd(request.headers);
  headers.host = host;
  // One hop less, for the one method besides TRACE that it is about (RFC 9110 §7.6.2).
  if (request.method === 'OPTIONS' && headers['max-forwards'] !== undefined) {
    headers['max-forwards'] = String(Number(headers['max-forwards']) - 1);
  }
  return headers;
}

/** What goes back to the client. */
export function responseHeaders(headers: IncomingHttpHeaders): HeaderLines {
  return endToEnd(headers);
}

function endToEnd(headers: IncomingHttpHeaders): HeaderLines {
  const named = new Set(
    String(headers.connection ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
  const kept: HeaderLines = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || HOP_BY_HOP.has(name) || named.has(name)) continue;
    kept[name] = value;
  }
  return kept;
}
