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
  // Answered by this server already (RFC 9110 §10.1.1).
  'expect',
]);

type HeaderLines = Record<string, string | string[]>;

/** What goes on to the upstream: everything end-to-end, with the logical host. */
export function requestHeaders(request: IncomingMessage, host: string): HeaderLines {
  const headers = endToEnd(request.headers);
  headers.host = host;
  return headers;
}

/** What goes back to the client. */
export function responseHeaders(headers: IncomingHttpHeaders): HeaderLines {
  return endToEnd(headers);
}

/**
 * Why the framing of a request is not to be trusted, or undefined. Two readings of where a body ends are how
 * one request hides behind another (RFC 9112 §11.2); the parser refuses most of this itself, this makes sure.
 */
export function framingFault(request: IncomingMessage): string | undefined {
  let lengths = 0;
  let encodings = 0;
  let hosts = 0;
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]?.toLowerCase();
    if (name === 'content-length') lengths += 1;
    if (name === 'transfer-encoding') encodings += 1;
    if (name === 'host') hosts += 1;
  }
  if (lengths > 0 && encodings > 0) return 'both Content-Length and Transfer-Encoding';
  if (lengths > 1) return 'more than one Content-Length';
  if (encodings > 1) return 'more than one Transfer-Encoding';
  if (hosts > 1) return 'more than one Host';
  const encoding = request.headers['transfer-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked')
    return 'a Transfer-Encoding other than chunked';
  const length = request.headers['content-length'];
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return 'a Content-Length that is not a number';
  return undefined;
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
