import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { RaypherError } from '../errors.ts';
import { uint16, WireReader } from './wire.ts';

/** TPM_ALG_ID (TPM 2.0 Part 2 §6.3). */
const RSA = 0x0001;
const SHA256 = 0x000b;
const NULL = 0x0010;
const ECC = 0x0023;
const P256 = 0x0003;
const COORDINATE_BYTES = 32;

/** The name a TPM gives an object: the hash algorithm and the hash of its public area (Part 1 §16). */
export function keyName(publicArea: Buffer): Buffer {
  return Buffer.concat([uint16(SHA256), createHash('sha256').update(publicArea).digest()]);
}

/**
 * The key in a TPMT_PUBLIC (Part 2 §12.2.4): RSA with the usual exponent, or P-256, named with SHA-256.
 *
 * @throws RaypherError `request/invalid` for every other kind, and for what is cut off or goes on after the end
 */
export function parsePublicKey(publicArea: Buffer): KeyObject {
  try {
    return createPublicKey({ key: readJwk(new WireReader(publicArea)), format: 'jwk' });
  } catch (cause) {
    throw new RaypherError('request/invalid', 'This is not the public area of a key that is known here.', {
      cause,
    });
  }
}

function readJwk(reader: WireReader) {
  const type = reader.uint16();
  if (reader.uint16() !== SHA256) throw new RangeError('not named with SHA-256');
  reader.uint32();
  reader.sized();
  // Symmetric algorithm with key bits and mode, then a scheme with its hash: each is a lone NULL when there is none.
  if (reader.uint16() !== NULL) reader.take(4);
  if (reader.uint16() !== NULL) reader.take(2);
  const jwk = type === RSA ? readRsa(reader) : type === ECC ? readEcc(reader) : undefined;
  if (jwk === undefined) throw new RangeError('neither RSA nor ECC');
  reader.end();
  return jwk;
}

function readRsa(reader: WireReader) {
  const bits = reader.uint16();
  // 0 stands for 65537.
  if (reader.uint32() !== 0) throw new RangeError('not the usual exponent');
  const modulus = reader.sized();
  const [highest = 0, lowest = 0] = [modulus.at(0), modulus.at(-1)];
  if (modulus.length * 8 !== bits || highest < 0x80) throw new RangeError('not as long as it says');
  // Divisible by two, and by OpenSSL taken for the caller's mistake only when something is encrypted.
  if (lowest % 2 === 0) throw new RangeError('not a modulus');
  return { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' };
}

function readEcc(reader: WireReader) {
  if (reader.uint16() !== P256) throw new RangeError('not P-256');
  if (reader.uint16() !== NULL) reader.take(2);
  return { kty: 'EC', crv: 'P-256', x: coordinate(reader.sized()), y: coordinate(reader.sized()) };
}

/** Some TPMs leave out leading zeros, which a JWK must have (RFC 7518 §6.2.1.2). */
function coordinate(bytes: Buffer): string {
  if (bytes.length > COORDINATE_BYTES) throw new RangeError('a coordinate that is too long');
  return Buffer.concat([Buffer.alloc(COORDINATE_BYTES - bytes.length), bytes]).toString('base64url');
}
