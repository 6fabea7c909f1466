import { randomBytes } from 'node:crypto';

/** A fresh nonce of 128 bits, as CSP Level 3 asks for at least. */
export function createNonce(): string {
  return randomBytes(16).toString('base64');
}

/**
 * The policy of every page. Scripts run only with this response's nonce or when such a script loads them.
 *
 * `style-src-attr 'unsafe-inline'` is needed for `style="…"` attributes in server-rendered HTML (row
 * heights, chart bars); an attribute cannot reach other elements or load code.
 */
export function contentSecurityPolicy(nonce: string, { development = false } = {}): string {
  return [
    "default-src 'none'",
    // React's development build evaluates source for its error overlay; the production build never does.
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ''}`,
    `style-src 'self' 'nonce-${nonce}'`,
    `style-src-elem 'self'${development ? " 'unsafe-inline'" : ` 'nonce-${nonce}'`}`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Headers of every response, pages and API alike. */
export function securityHeaders({ https }: { https: boolean }): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
    // A browser ignores this header over plain HTTP, and a loopback address must not be pinned to https.
    ...(https ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  };
}
