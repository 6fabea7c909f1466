// The certificate library finds its parts through metadata and refuses to load without this.
import 'reflect-metadata';
import { type KeyObject, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { X509CertificateGenerator } from '@peculiar/x509';
import { parsePublicKey } from '@raypher/shared/attestation';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Tpm } from '../../native/tss2.ts';
import { createPrimary, readPublic } from '../../native/tss2-objects.ts';
import { readEndorsementKey } from './endorsement-key.ts';
import { EK_TEMPLATES } from './public-area.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const ECC_CERTIFICATE = '0x01c0000a';

describe.skipIf(tpmUnavailable)(
  `a TPM whose maker certified its ECC key only ${tpmUnavailable ?? ''}`,
  () => {
    let chip: TestTpm;
    let maker: webcrypto.CryptoKeyPair;
    beforeEach(async () => {
      chip = await TestTpm.start();
      maker = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    });
    afterEach(() => chip?.stop());

    function eccKey(): KeyObject {
      using tpm = Tpm.open(chip.tcti);
      using key = createPrimary(tpm, 'endorsement', EK_TEMPLATES['ecc-p256']);
      return parsePublicKey(readPublic(tpm, key));
    }

    /** DER. */
    async function certificate(subject: string, key: webcrypto.CryptoKey): Promise<Buffer> {
      const made = await X509CertificateGenerator.create({
        subject: `CN=${subject}`,
        issuer: 'CN=Test maker',
        publicKey: key,
        signingKey: maker.privateKey,
        signingAlgorithm: ALGORITHM,
      });
      return Buffer.from(made.rawData);
    }

    async function certificateFor(key: KeyObject): Promise<Buffer> {
      const spki = key.export({ type: 'spki', format: 'der' });
      return certificate('chip', await webcrypto.subtle.importKey('spki', spki, ALGORITHM, true, ['verify']));
    }

    async function writeNv(handle: string, content: Buffer, attributes = 'ownerwrite|ownerread|authread') {
      writeFileSync(chip.file('content'), content);
      await chip.tool('nvdefine', handle, '-C', 'o', '-s', String(content.length), '-a', attributes);
      await chip.tool('nvwrite', handle, '-C', 'o', '-i', chip.file('content'));
    }

    function read() {
      using tpm = Tpm.open(chip.tcti);
      return readEndorsementKey(tpm);
    }

    test('is identified by that key', async () => {
      // Makers fill the index up.
      await writeNv(
        ECC_CERTIFICATE,
        Buffer.concat([await certificateFor(eccKey()), Buffer.alloc(300, 0xff)]),
      );
      const key = read();
      expect(key).toMatchObject({ algorithm: 'ecc-p256', certificate: { subject: 'CN=chip' }, chain: [] });
      expect(key.looked).toContain(`ecc-p256 certificate at ${ECC_CERTIFICATE}: found`);
    });

    test('brings the certificates of its maker, also when one goes over two indexes', async () => {
      await writeNv(ECC_CERTIFICATE, await certificateFor(eccKey()));
      const [issuer, root] = await Promise.all(
        ['issuer', 'root'].map((name) => certificate(name, maker.publicKey)),
      );
      const all = Buffer.concat([issuer ?? Buffer.alloc(0), root ?? Buffer.alloc(0)]);
      await writeNv('0x01c00100', all.subarray(0, 200));
      await writeNv('0x01c00101', all.subarray(200));
      expect(read().chain.map(({ subject }) => subject)).toEqual(['CN=issuer', 'CN=root']);
    });

    test('may let only its owner read the certificate', async () => {
      await writeNv(ECC_CERTIFICATE, await certificateFor(eccKey()), 'ownerwrite|ownerread');
      expect(read()).toMatchObject({ certificate: { subject: 'CN=chip' } });
    });

    test('is not believed when the certificate is for another key', async () => {
      await writeNv(ECC_CERTIFICATE, await certificate('other', maker.publicKey));
      const key = read();
      expect(key.certificate).toBeUndefined();
      expect(key.looked).toContain('the certificate is for another key: ignored');
    });

    test.each([
      ['no certificate', Buffer.from('nothing that a maker would write')],
      ['a certificate that is cut off', Buffer.from('3082ffff00', 'hex')],
    ])('is read as having none when the index holds %s', async (_, content) => {
      await writeNv(ECC_CERTIFICATE, content);
      expect(read()).toMatchObject({ algorithm: 'rsa2048', certificate: undefined });
    });
  },
);
