import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a request with a session cookie comes from our own pages (defence against cross-site request
 * forgery beside SameSite cookies). Browsers send Origin with every request that changes something, and
 * Sec-Fetch-Site with all of them; a client that sends neither is no browser and should use an API token.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, webOrigin: string): boolean {
  const { origin } = headers;
  if (origin !== undefined) return origin === webOrigin;
  return headers['sec-fetch-site'] === 'same-origin';
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function changesSomething(method: string): boolean {
  return !SAFE_METHODS.has(method);
}
