import type { IncomingMessage } from 'node:http';

/** More than any client sends; what a parser drops beyond its own limit nobody would see. */
const MAX_HEADERS = 200;
const SINGLE = ['content-length', 'transfer-encoding', 'host'] as const;
/** Whatever the connection is about, these are about the message: without them it would be read in another way. */
const NEVER_OF_A_CONNECTION: ReadonlySet<string> = new Set([...SINGLE, 'content-encoding', 'content-type']);
/** Some servers act on these instead of the request line that the rules saw. */
const OTHER_METHOD: ReadonlySet<string> = new Set([
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
]);
const OTHER_PATH: ReadonlySet<string> = new Set(['x-original-url', 'x-rewrite-url']);
/** Their answer is the request, with everything that is in its headers (RFC 9110 §9.3.8). */
const ECHOES: ReadonlySet<string> = new Set(['TRACE', 'TRACK']);

/**
 * Why a request is not to be trusted whoever sends it, or undefined. Two readings of where a body ends are how one
 * request hides behind another (RFC 9112 §11.2); the parser refuses most of this itself, this makes sure. Two readings
 * of what is asked for are how a request hides from the rules.
 */
export function requestFault(request: IncomingMessage): string | undefined {
  const { rawHeaders, headers, method = 'GET', url = '', httpVersionMajor, httpVersionMinor } = request;
  // Never sent (RFC 9112 §3.2): some servers cut it off, others take it for a part of the path.
  if (url.includes('#')) return 'a fragment in its target';
  if (rawHeaders.length / 2 > MAX_HEADERS) return `more than ${MAX_HEADERS} headers`;
  const seen = { 'content-length': 0, 'transfer-encoding': 0, host: 0 };
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? '';
    const value = rawHeaders[i + 1] ?? '';
    if (name === 'content-length' || name === 'transfer-encoding' || name === 'host') seen[name] += 1;
    if (OTHER_METHOD.has(name) && value.trim().toUpperCase() !== method)
      return 'a header that names another method';
    if (OTHER_PATH.has(name)) return 'a header that names another path';
  }
  if (seen['content-length'] > 0 && seen['transfer-encoding'] > 0) {
    return 'both Content-Length and Transfer-Encoding';
  }
  for (const name of SINGLE) if (seen[name] > 1) return `more than one ${TITLE[name]}`;
  const encoding = headers['transfer-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked') {
    return 'a Transfer-Encoding other than chunked';
  }
  // HTTP/1.0 knows no chunks: whoever is behind may read on to the end of the connection (RFC 9112 §6.1).
  if (encoding !== undefined && httpVersionMajor === 1 && httpVersionMinor === 0) {
    return 'a Transfer-Encoding in HTTP/1.0';
  }
  const length = headers['content-length'];
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return 'a Content-Length that is not a number';
  const named = (headers.connection ?? '').toLowerCase().split(',');
  if (named.some((name) => NEVER_OF_A_CONNECTION.has(name.trim()))) {
    return 'a Connection header that names a header of the message';
  }
  const hops = headers['max-forwards'];
  if (method === 'OPTIONS' && hops !== undefined && !/^[1-9]\d{0,3}$/.test(String(hops))) {
    return 'a Max-Forwards that ends here';
  }
  return ECHOES.has(method) ? 'a method whose answer would be the request' : undefined;
}

const TITLE = {
  'content-length': 'Content-Length',
  'transfer-encoding': 'Transfer-Encoding',
  host: 'Host',
} as const;
