import { getCACertificates } from 'node:tls';
import { fingerprintOf } from './certificate-authority.ts';

/**
 * Whom upstreams are verified against: the authorities that come with Node.js and those of this system, among them a
 * company's own. Not this machine's root, which the system may trust too: no upstream has a certificate of it.
 *
 * @param own PEM of this machine's root
 * @returns PEM, one each
 */
export function upstreamRoots(own: string): string[] {
  return withoutOwn([...getCACertificates('bundled'), ...getCACertificates('system')], own);
}

/**
 * What programs that are started under this agent trust: what this system trusts, and this machine's root.
 *
 * @returns PEM, all in one text
 */
export function clientBundle(own: string): string {
  const system = getCACertificates('system');
  const roots = withoutOwn(system.length === 0 ? getCACertificates('bundled') : system, own);
  return [...roots, own].map((pem) => `${pem.trim()}\n`).join('');
}

function withoutOwn(certificates: readonly string[], own: string): string[] {
  const fingerprint = fingerprintOf(own);
  const unique = new Set(certificates.map((pem) => pem.trim()));
  return [...unique].filter((pem) => !isSame(pem, fingerprint));
}

function isSame(pem: string, fingerprint: string): boolean {
  try {
    return fingerprintOf(pem) === fingerprint;
  } catch {
    // A system's store may hold what OpenSSL skips.
    return false;
  }
}
