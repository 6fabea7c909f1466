import { WireReader } from '@raypher/shared/attestation';
import { DER, der, derUnsigned } from '../der.ts';

const ECDSA_SHA256 = Buffer.from('0018000b', 'hex');

/**
 * A TPM's ECDSA signature as everybody else writes it (RFC 3279 §2.2.3).
 *
 * @param signature TPMT_SIGNATURE
 * @throws RangeError for another algorithm than ECDSA with SHA-256
 */
export function signatureToDer(signature: Buffer): Buffer {
  const reader = new WireReader(signature);
  if (!reader.take(ECDSA_SHA256.length).equals(ECDSA_SHA256)) throw new RangeError('Not ECDSA with SHA-256.');
  const [r, s] = [reader.sized(), reader.sized()];
  reader.end();
  return der(DER.sequence, derUnsigned(r), derUnsigned(s));
}
