import {
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
} from 'node:crypto';
import {
  type Attestation,
  type Credential,
  credentialSeed,
  kdfa,
  keyName,
  sized,
  uint16,
  uint32,
  WireReader,
} from '@raypher/shared/attestation';
import type { PcrValues, TpmEvidence } from '@raypher/shared/rest';

/** The heads of three public areas (TPMT_PUBLIC up to the point): default ECC endorsement key, AK, device key. */
const POLICY = Buffer.from('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa', 'hex');
const ECC = uint16(0x23);
const SHA256 = uint16(0x0b);
const NULL = uint16(0x10);
const P256_NO_KDF = Buffer.concat([uint16(3), NULL]);
const AES_128_CFB = Buffer.concat([uint16(6), uint16(128), uint16(0x43)]);
const ECDSA_SHA256 = Buffer.concat([uint16(0x18), SHA256]);

const HEADS = {
  endorsement: Buffer.concat([ECC, SHA256, uint32(0x300b2), sized(POLICY), AES_128_CFB, NULL, P256_NO_KDF]),
  attestation: Buffer.concat([
    ECC,
    SHA256,
    uint32(0x50072),
    sized(Buffer.alloc(0)),
    NULL,
    ECDSA_SHA256,
    P256_NO_KDF,
  ]),
  device: Buffer.concat([
    ECC,
    SHA256,
    uint32(0x40072),
    sized(Buffer.alloc(0)),
    NULL,
    ECDSA_SHA256,
    P256_NO_KDF,
  ]),
} as const;

/** TPM_GENERATED, and TPM_ST_ATTEST_CERTIFY and _QUOTE (TPM 2.0 Part 2 §6.2, §6.9). */
const GENERATED = uint32(0xff544347);
const CERTIFY = uint16(0x8017);
const QUOTE = uint16(0x8018);

interface SimulatedKey {
  privateKey: KeyObject;
  /** TPMT_PUBLIC. */
  publicArea: Buffer;
}

/**
 * Says what a TPM says, with keys that lie in this process's memory: for load and for attacks, where a thousand TPMs
 * are needed or one that lies. Nobody certifies it, so that no control plane takes it for a chip.
 */
export class SimulatedTpm {
  readonly deviceKey: KeyObject;
  /** Counts losses of power. */
  resetCount = 1;
  /** Counts resumptions since then. */
  restartCount = 0;
  readonly #pcrs = new Map<number, Buffer>();
  readonly #endorsement = makeKey(HEADS.endorsement);
  readonly #attestation = makeKey(HEADS.attestation);
  readonly #device = makeKey(HEADS.device);

  constructor() {
    this.deviceKey = this.#device.privateKey;
  }

  evidence(): TpmEvidence {
    return {
      endorsementKey: this.#endorsement.publicArea.toString('base64'),
      endorsementCertificate: null,
      endorsementChain: [],
      attestationKey: this.#attestation.publicArea.toString('base64'),
      deviceKey: this.#device.publicArea.toString('base64'),
    };
  }

  /** TPM2_ActivateCredential (Part 3 §12.5). @throws Error when it was made for other keys */
  activate({ blob, encryptedSeed }: Credential): Buffer {
    const name = keyName(this.#attestation.publicArea);
    const seed = this.#openSeed(encryptedSeed);
    const reader = new WireReader(new WireReader(blob).sized());
    const integrity = reader.sized();
    const encrypted = blob.subarray(2 + 2 + integrity.length);
    const expected = createHmac('sha256', kdfa(seed, 'INTEGRITY', Buffer.alloc(0), 256))
      .update(encrypted)
      .update(name)
      .digest();
    if (!timingSafeEqual(expected, integrity)) throw new Error('The credential was made for another TPM.');
    const key = kdfa(seed, 'STORAGE', name, 128);
    const decipher = createDecipheriv('aes-128-cfb', key, Buffer.alloc(16));
    return new WireReader(Buffer.concat([decipher.update(encrypted), decipher.final()])).sized();
  }

  /** Certifies the device key (Part 3 §18.2). */
  certify(nonce: Buffer): Attestation {
    const name = keyName(this.#device.publicArea);
    return this.#sign(Buffer.concat([this.#head(CERTIFY, nonce), sized(name), sized(name)]));
  }

  /** Measures something (TPM2_PCR_Extend, Part 3 §22.2). */
  extend(pcr: number, digest: Buffer): void {
    this.#pcrs.set(pcr, createHash('sha256').update(this.#pcr(pcr)).update(digest).digest());
  }

  /** Quotes PCRs (Part 3 §18.4). */
  quote(nonce: Buffer, pcrs: readonly number[]): { quote: Attestation; pcrs: PcrValues } {
    const bitmap = Buffer.alloc(3);
    for (const pcr of pcrs) bitmap[pcr >> 3] = (bitmap[pcr >> 3] ?? 0) | (1 << (pcr & 7));
    const selection = Buffer.concat([uint32(1), SHA256, Buffer.from([bitmap.length]), bitmap]);
    const values = pcrs.toSorted((a, b) => a - b).map((pcr) => this.#pcr(pcr));
    const digest = createHash('sha256').update(Buffer.concat(values)).digest();
    return {
      quote: this.#sign(Buffer.concat([this.#head(QUOTE, nonce), selection, sized(digest)])),
      pcrs: Object.fromEntries(pcrs.map((pcr) => [String(pcr), this.#pcr(pcr).toString('hex')])),
    };
  }

  /** Zero until something is measured into it. */
  #pcr(pcr: number): Buffer {
    return this.#pcrs.get(pcr) ?? Buffer.alloc(32);
  }

  /** What every TPMS_ATTEST begins with, up to the part of its type. */
  #head(type: Buffer, nonce: Buffer): Buffer {
    const clock = Buffer.concat([
      randomBytes(8),
      uint32(this.resetCount),
      uint32(this.restartCount),
      Buffer.from([1]),
    ]);
    const signer = sized(keyName(this.#attestation.publicArea));
    return Buffer.concat([GENERATED, type, signer, sized(nonce), clock, Buffer.alloc(8)]);
  }

  #sign(attested: Buffer): Attestation {
    const key = { key: this.#attestation.privateKey, dsaEncoding: 'ieee-p1363' } as const;
    const raw = sign('sha256', attested, key);
    const numbers = [sized(raw.subarray(0, 32)), sized(raw.subarray(32))];
    return { attested, signature: Buffer.concat([ECDSA_SHA256, ...numbers]) };
  }

  #openSeed(encryptedSeed: Buffer): Buffer {
    const reader = new WireReader(new WireReader(encryptedSeed).sized());
    const [x, y] = [reader.sized(), reader.sized()];
    const jwk = { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url') };
    const { privateKey } = this.#endorsement;
    const shared = diffieHellman({ privateKey, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) });
    return credentialSeed(shared, x, coordinates(privateKey).x);
  }
}

function makeKey(head: Buffer): SimulatedKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = coordinates(privateKey);
  return { privateKey, publicArea: Buffer.concat([head, sized(x), sized(y)]) };
}

function coordinates(key: KeyObject): { x: Buffer; y: Buffer } {
  const { x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
  return { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') };
}
