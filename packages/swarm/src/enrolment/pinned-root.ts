import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { RaypherError } from '@raypher/shared';

const TIMEOUT_MS = 10_000;

/**
 * The root certificate (PEM) that the pin names, out of the chain a server presents. Nothing is trusted and nothing
 * is sent on this connection.
 *
 * @throws RaypherError `enrolment/pin-mismatch`
 */
export async function fetchPinnedRoot(server: URL, pin: Buffer): Promise<string> {
  for (const der of await presentedChain(server)) {
    const certificate = new X509Certificate(der);
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
    const found = createHash('sha256').update(spki).digest();
    // Only a self-signed authority counts: a leaf must not vouch for itself.
    const isRoot = certificate.ca && certificate.verify(certificate.publicKey);
    if (isRoot && found.length === pin.length && timingSafeEqual(found, pin)) return certificate.toString();
  }
  throw new RaypherError('enrolment/pin-mismatch', 'The server is not the one this token was made for.', {
    hint: 'Check the address and that the token comes from this installation.',
    details: { server: server.origin },
  });
}

async function presentedChain(server: URL): Promise<Buffer[]> {
  const host = server.hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    host,
    port: Number(server.port || 443),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: false,
  });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const chain: Buffer[] = [];
    let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
    // The root is its own issuer: stop there.
    while (certificate?.raw !== undefined && !chain.some((der) => certificate?.raw.equals(der))) {
      chain.push(certificate.raw);
      certificate = certificate.issuerCertificate;
    }
    return chain;
  } catch (cause) {
    throw new RaypherError('link/unreachable', `${server.origin} cannot be reached.`, {
      hint: 'Check the address and that the control plane is running.',
      cause,
    });
  } finally {
    socket.destroy();
  }
}
