import 'reflect-metadata';
import { createHash, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { type PinnedRoot, verifyEndorsement } from './endorsement-chain.ts';
import { sized, uint16, uint32 } from './wire.ts';

x509.cryptoProvider.set(webcrypto);

const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SHA256 = { name: 'ECDSA', hash: 'SHA-256' } as const;
const EK_USAGE = '2.23.133.8.1';
const NOW = new Date('2026-06-01T00:00:00Z');
const BEFORE = new Date('2020-01-01T00:00:00Z');
const LATER = new Date('2040-01-01T00:00:00Z');

type Keys = webcrypto.CryptoKeyPair;
const newKeys = (): Promise<Keys> => webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);

interface Made {
  name: string;
  keys: Keys;
  der: Buffer;
}
interface Options {
  notBefore?: Date;
  notAfter?: Date;
  isAuthority?: boolean;
  pathLength?: number;
  usage?: number;
  keys?: Keys;
  /** Who signs it, when that is not the issuer it names. */
  signedBy?: Keys;
  withoutKeyNumber?: boolean;
  extensions?: x509.Extension[];
}

async function make(name: string, issuer: Made | undefined, options: Options): Promise<Made> {
  const keys = options.keys ?? (await newKeys());
  const issuerKeys = issuer?.keys ?? keys;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomBytes(8).toString('hex').replace(/^./, '4'),
    subject: `CN=${name}`,
    issuer: `CN=${issuer?.name ?? name}`,
    notBefore: options.notBefore ?? BEFORE,
    notAfter: options.notAfter ?? LATER,
    publicKey: keys.publicKey,
    signingKey: (options.signedBy ?? issuerKeys).privateKey,
    signingAlgorithm: SHA256,
    extensions: [
      new x509.BasicConstraintsExtension(options.isAuthority ?? false, options.pathLength, true),
      new x509.KeyUsagesExtension(options.usage ?? x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(options.withoutKeyNumber === true
        ? []
        : [await x509.AuthorityKeyIdentifierExtension.create(issuerKeys.publicKey)]),
      ...(options.extensions ?? []),
    ],
  });
  return { name, keys, der: Buffer.from(certificate.rawData) };
}

const authority = (name: string, issuer?: Made, options: Options = {}) =>
  make(name, issuer, { isAuthority: true, ...options });

const endorsement = (issuer: Made, options: Options = {}) =>
  make('TPM', issuer, {
    usage: x509.KeyUsageFlags.keyAgreement,
    extensions: [new x509.ExtendedKeyUsageExtension([EK_USAGE])],
    ...options,
  });

/** TPMT_PUBLIC of a P-256 endorsement key. */
async function publicArea({ keys }: Made): Promise<Buffer> {
  const { x = '', y = '' } = await webcrypto.subtle.exportKey('jwk', keys.publicKey);
  const coordinates = [x, y].map((text) => sized(Buffer.from(text, 'base64url')));
  const header = [uint16(0x23), uint16(0x0b), uint32(0x300b2), sized(Buffer.alloc(32))];
  const scheme = [0x06, 128, 0x43, 0x10, 0x03, 0x10].map(uint16);
  return Buffer.concat([...header, ...scheme, ...coordinates]);
}

function pin(root: Made, kind: PinnedRoot['kind'] = 'hardware'): PinnedRoot {
  const fingerprint = createHash('sha256').update(root.der).digest('hex');
  return { fingerprint, der: root.der, manufacturer: 'Acme', kind };
}

async function verify(leaf: Made, chain: Made[], roots: PinnedRoot[], now = NOW) {
  const evidence = {
    endorsementKey: await publicArea(leaf),
    certificate: leaf.der,
    chain: chain.map(({ der }) => der),
  };
  return verifyEndorsement(evidence, roots, now);
}

const REFUSED = { code: 'enrolment/attestation-refused' };

describe('who vouches for an endorsement key', () => {
  it('a maker that is pinned, through the issuers that the TPM keeps, in any order', async () => {
    const root = await authority('Root');
    const first = await authority('First', root);
    const second = await authority('Second', first);
    const leaf = await endorsement(second);
    for (const chain of [
      [second, first],
      [first, second, root],
      [root, first, second],
    ]) {
      const result = await verify(leaf, chain, [pin(root)]);
      expect(result).toMatchObject({ class: 'hardware', root: { manufacturer: 'Acme' } });
      expect(result.chain.map(({ subject }) => subject)).toEqual([
        'CN=TPM',
        'CN=Second',
        'CN=First',
        'CN=Root',
      ]);
    }
  });

  it('a hypervisor is not a chip', async () => {
    const root = await authority('Root');
    expect(await verify(await endorsement(root), [], [pin(root, 'virtual')])).toMatchObject({
      class: 'virtual',
    });
  });

  it('nobody, when the TPM has no certificate, or one that leads nowhere; its issuer is named', async () => {
    const [root, stranger] = await Promise.all([authority('Root'), authority('Stranger')]);
    const leaf = await endorsement(stranger);
    const endorsementKey = await publicArea(leaf);
    expect(
      verifyEndorsement({ endorsementKey, certificate: null, chain: [] }, [pin(root)], NOW),
    ).toMatchObject({
      class: 'unverified',
      chain: [],
      root: null,
    });
    const result = await verify(leaf, [stranger], [pin(root)]);
    expect(result).toMatchObject({ class: 'unverified', root: null });
    expect(result.reason).toContain('CN=Stranger');
  });

  it('a root that the device itself brings is believed by nobody', async () => {
    const root = await authority('Root');
    expect(await verify(await endorsement(root), [root], [])).toMatchObject({ class: 'unverified' });
  });

  it('one of two roots that have the same name', async () => {
    const [old, current] = await Promise.all([authority('Root'), authority('Root')]);
    const leaf = await endorsement(current, { withoutKeyNumber: true });
    expect(await verify(leaf, [], [pin(old), pin(current)])).toMatchObject({ class: 'hardware' });
  });
});

describe('forged endorsement certificates are refused', () => {
  it('a certificate of another TPM', async () => {
    const root = await authority('Root');
    const [ours, theirs] = await Promise.all([endorsement(root), endorsement(root)]);
    const evidence = { endorsementKey: await publicArea(ours), certificate: theirs.der, chain: [] };
    expect(() => verifyEndorsement(evidence, [pin(root)], NOW)).toThrow(expect.objectContaining(REFUSED));
  });

  it('one that names a pinned root which did not sign it', async () => {
    const root = await authority('Root');
    const leaf = await endorsement(root, { signedBy: await newKeys() });
    await expect(verify(leaf, [], [pin(root)])).rejects.toMatchObject(REFUSED);
  });

  it('an intermediate that names a pinned root which did not sign it', async () => {
    const root = await authority('Root');
    const forged = await authority('Forged', root, { signedBy: await newKeys() });
    await expect(verify(await endorsement(forged), [forged], [pin(root)])).rejects.toMatchObject(REFUSED);
  });

  it('one signed with the key of another TPM, which is no authority', async () => {
    const root = await authority('Root');
    const other = await endorsement(root);
    await expect(verify(await endorsement(other), [other], [pin(root)])).rejects.toMatchObject(REFUSED);
  });

  it('an authority that may not sign certificates', async () => {
    const root = await authority('Root');
    const mute = await authority('Mute', root, { usage: x509.KeyUsageFlags.digitalSignature });
    await expect(verify(await endorsement(mute), [mute], [pin(root)])).rejects.toMatchObject(REFUSED);
  });

  it('more authorities than the path length allows', async () => {
    const root = await authority('Root', undefined, { pathLength: 0 });
    const extra = await authority('Extra', root);
    await expect(verify(await endorsement(extra), [extra], [pin(root)])).rejects.toMatchObject(REFUSED);
    expect(await verify(await endorsement(root), [], [pin(root)])).toMatchObject({ class: 'hardware' });
  });

  it('a critical extension that is not known here, on a leaf or on an issuer', async () => {
    const root = await authority('Root');
    const strange = new x509.Extension('1.2.3.4', true, new Uint8Array([5, 0]));
    await expect(
      verify(await endorsement(root, { extensions: [strange] }), [], [pin(root)]),
    ).rejects.toMatchObject(REFUSED);
    const issuer = await authority('Issuer', root, { extensions: [strange] });
    await expect(verify(await endorsement(issuer), [issuer], [pin(root)])).rejects.toMatchObject(REFUSED);
  });

  it('a certificate for a web server, for signing, or of an authority', async () => {
    const root = await authority('Root');
    const server = [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])];
    for (const options of [
      { extensions: server },
      { usage: x509.KeyUsageFlags.digitalSignature },
      { isAuthority: true },
    ]) {
      await expect(verify(await endorsement(root, options), [], [pin(root)])).rejects.toMatchObject(REFUSED);
    }
  });
});

describe('validity', () => {
  it('an endorsement certificate that has ended, or has not begun, vouches for nothing', async () => {
    const root = await authority('Root');
    const leaf = await endorsement(root, { notAfter: new Date('2025-01-01') });
    expect(await verify(leaf, [], [pin(root)])).toMatchObject({ class: 'unverified', root: null });
    expect(await verify(await endorsement(root), [], [pin(root)], new Date('2019-01-01'))).toMatchObject({
      class: 'unverified',
    });
  });

  it('an issuer that has ended since vouches for what it issued before, and for nothing after', async () => {
    const root = await authority('Root');
    const ended = await authority('Ended', root, { notAfter: new Date('2023-01-01') });
    const early = await endorsement(ended, { notBefore: new Date('2022-01-01') });
    expect(await verify(early, [ended], [pin(root)])).toMatchObject({ class: 'hardware' });
    const late = await endorsement(ended, { notBefore: new Date('2024-01-01') });
    expect(await verify(late, [ended], [pin(root)])).toMatchObject({ class: 'unverified' });
  });
});

describe('hostile input ends', () => {
  it('issuers that issued each other', async () => {
    const root = await authority('Root');
    const keys = await Promise.all([newKeys(), newKeys()]);
    const seed = { name: 'B', keys: keys[1], der: Buffer.alloc(0) };
    const a = await authority('A', seed, { keys: keys[0] });
    const b = await authority('B', a, { keys: keys[1] });
    expect(await verify(await endorsement(a), [a, b], [pin(root)])).toMatchObject({ class: 'unverified' });
  });

  it('a chain that is too long', async () => {
    const root = await authority('Root');
    const chain = [root];
    for (let depth = 0; depth < 8; depth += 1) chain.unshift(await authority(`A${depth}`, chain[0]));
    const leaf = await endorsement(chain[0] ?? root);
    expect(await verify(leaf, chain, [pin(root)])).toMatchObject({ class: 'unverified' });
  });

  it('garbage, cut-off certificates and ten thousand bytes', async () => {
    const root = await authority('Root');
    const leaf = await endorsement(root);
    const endorsementKey = await publicArea(leaf);
    const waste = [
      randomBytes(10_000),
      Buffer.alloc(10_000, 0x30),
      leaf.der.subarray(0, 90),
      Buffer.alloc(0),
    ];
    for (const certificate of waste) {
      expect(verifyEndorsement({ endorsementKey, certificate, chain: [] }, [pin(root)], NOW).class).toBe(
        'unverified',
      );
    }
    const evidence = { endorsementKey, certificate: leaf.der, chain: waste };
    expect(verifyEndorsement(evidence, [pin(root)], NOW).class).toBe('hardware');
  });

  it('what a TPM pads its certificate with does not matter', async () => {
    const root = await authority('Root');
    const leaf = await endorsement(root);
    const certificate = Buffer.concat([leaf.der, Buffer.alloc(200, 0xff)]);
    const evidence = { endorsementKey: await publicArea(leaf), certificate, chain: [] };
    expect(verifyEndorsement(evidence, [pin(root)], NOW).class).toBe('hardware');
  });

  it('every flipped bit of a certificate is noticed', async () => {
    const root = await authority('Root');
    const leaf = await endorsement(root);
    const endorsementKey = await publicArea(leaf);
    for (let offset = 0; offset < leaf.der.length; offset += 1) {
      const certificate = Buffer.from(leaf.der);
      certificate.writeUInt8(certificate.readUInt8(offset) ^ 0x01, offset);
      const judge = () =>
        verifyEndorsement({ endorsementKey, certificate, chain: [] }, [pin(root)], NOW).class;
      let judged: string;
      try {
        judged = judge();
      } catch (error) {
        expect(error, `byte ${offset}`).toMatchObject(REFUSED);
        continue;
      }
      expect(judged, `byte ${offset}`).toBe('unverified');
    }
  });
});
