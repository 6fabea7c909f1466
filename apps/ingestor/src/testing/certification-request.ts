import { parsePublicKey } from '@raypher/shared/attestation';

/**
 * A PKCS#10 request (RFC 2986) whose key signs elsewhere: without a name and without wishes.
 *
 * @param publicArea TPMT_PUBLIC of the key
 * @param sign gives an ECDSA signature with SHA-256, DER
 */
export async function certificationRequest(
  publicArea: Buffer,
  sign: (info: Buffer) => Promise<Buffer>,
): Promise<string> {
  const key = parsePublicKey(publicArea).export({ format: 'der', type: 'spki' });
  const [version, name, attributes] = [Buffer.from([2, 1, 0]), element(0x30), element(0xa0)];
  const info = element(0x30, version, name, key, attributes);
  // ecdsa-with-SHA256, 1.2.840.10045.4.3.2
  const algorithm = element(0x30, Buffer.from('06082a8648ce3d040302', 'hex'));
  const signature = element(0x03, Buffer.from([0]), await sign(info));
  const request = element(0x30, info, algorithm, signature);
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join(
    '\n',
  );
}

/** DER: tag, length (here always below 65,536), content. */
function element(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
