const PROXIED = ['/v1', '/api/auth', '/socket.io'];

/**
 * Device enrolment, renewal and leaving have their own TLS listener (certificate pin, mutual TLS). Relaying
 * them here would let a device send its token over a connection it cannot verify.
 */
const DEVICE_ONLY = ['/v1/enroll', '/v1/renew', '/v1/leave'];

export type PathOwner = 'page' | 'api' | 'refused';

/** Who answers a request target: Next's pages, the API behind this server, or nobody. */
export function ownerOfPath(target: string): PathOwner {
  // Two slashes, dots and escapes are resolved the way the API's router will, so that no spelling slips past.
  let path: string;
  try {
    path = decodeURIComponent(new URL(target, 'http://origin.invalid').pathname).replace(/\/{2,}/g, '/');
  } catch {
    return 'refused';
  }
  const lower = path.toLowerCase();
  if (DEVICE_ONLY.some((prefix) => isUnder(lower, prefix))) return 'refused';
  return PROXIED.some((prefix) => isUnder(lower, prefix)) ? 'api' : 'page';
}

function isUnder(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}
