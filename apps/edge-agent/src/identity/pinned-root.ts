import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { RaypherError } from '@raypher/shared';
import { openTunnel } from './tunnel.ts';

const TIMEOUT_MS = 10_000;

/**
 * Asks a server for its certificate chain and returns the root in it that the pin names.
 *
 * Nothing is trusted and nothing is sent on this first connection; the caller connects again with the
 * returned root as its only authority. The root must be the self-signed end of the chain: a pin that
 * matched any certificate would let a leaf vouch for itself.
 *
 * @param proxy that the server is reached through
 * @param pin base64url SHA-256 of the root's SubjectPublicKeyInfo (DER)
 * @returns PEM
 * @throws RaypherError `enrolment/pin-mismatch` or `link/unreachable`
 */
export async function fetchPinnedRoot(server: URL, pin: string, proxy?: URL): Promise<string> {
  const tunnel = proxy && (await openTunnel(proxy, server, AbortSignal.timeout(TIMEOUT_MS)));
  const chain = await presentedChain(server, tunnel);
  const wanted = Buffer.from(pin, 'base64url');
  for (const der of chain) {
    const certificate = new X509Certificate(der);
    const found = createHash('sha256')
      .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
      .digest();
    if (found.length !== wanted.length || !timingSafeEqual(found, wanted)) continue;
    if (certificate.ca && certificate.verify(certificate.publicKey)) return certificate.toString();
  }
  throw new RaypherError('enrolment/pin-mismatch', 'The server is not the one this token was made for.', {
    hint: 'Check the address. If it is right, somebody may be intercepting the connection: tell your administrator.',
    details: { server: server.origin, certificates: chain.length },
  });
}

function presentedChain(server: URL, tunnel: Socket | undefined): Promise<Buffer[]> {
  const host = server.hostname.replace(/^\[|\]$/g, '');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer[]>();
  const socket = connect({
    ...(tunnel === undefined ? { host, port: Number(server.port || 443) } : { socket: tunnel }),
    ...(isIP(host) ? {} : { servername: host }),
    // Only the chain is read; see above.
    rejectUnauthorized: false,
  });
  const fail = (why: string, cause?: unknown): void => {
    socket.destroy();
    reject(
      new RaypherError('link/unreachable', `${server.origin} cannot be reached: ${why}.`, {
        hint: 'Check the address and that the control plane is running.',
        cause,
      }),
    );
  };
  socket.setTimeout(TIMEOUT_MS, () => fail('no answer within 10 s'));
  socket.once('error', (error) => fail(error.message, error));
  socket.once('secureConnect', () => {
    const chain: Buffer[] = [];
    let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
    // A self-signed certificate is its own issuer: stop there.
    while (certificate?.raw !== undefined && !chain.some((der) => der.equals(certificate?.raw ?? der))) {
      chain.push(certificate.raw);
      certificate = certificate.issuerCertificate;
    }
    socket.end();
    resolve(chain);
  });
  return promise;
}
