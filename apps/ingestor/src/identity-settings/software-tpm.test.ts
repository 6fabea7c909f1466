import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { verifyEndorsement } from '@raypher/shared/attestation';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRootCertificate } from './root-certificate.ts';

if (tpmUnavailable !== undefined) console.warn(`skipped: ${tpmUnavailable}`);

describe.skipIf(tpmUnavailable !== undefined)(
  'a software TPM, certified by the authority that comes with it',
  () => {
    let tpm: TestTpm;
    let evidence: { endorsementKey: Buffer; certificate: Buffer };
    const der = (name: string) => new X509Certificate(readFileSync(tpm.file(name))).raw;

    beforeAll(async () => {
      tpm = await TestTpm.start({ manufactured: true });
      await tpm.tool('readpublic', '-c', '0x81010001', '-f', 'tss', '-o', tpm.file('ek'));
      await tpm.tool('nvread', '0x01c00002', '-C', 'o', '-o', tpm.file('ek.crt'));
      // TPM2B_PUBLIC: a size before the public area.
      evidence = {
        endorsementKey: readFileSync(tpm.file('ek')).subarray(2),
        certificate: readFileSync(tpm.file('ek.crt')),
      };
    });
    afterAll(() => tpm?.stop());

    it('is unverified as long as nobody pinned that authority', () => {
      expect(verifyEndorsement({ ...evidence, chain: [der('authority.pem')] }, [], new Date()).class).toBe(
        'unverified',
      );
    });

    it('is virtual once an organisation did', () => {
      const pem = readFileSync(tpm.file('swtpm-localca-rootca-cert.pem'), 'utf8');
      const { der: root, fingerprint, subject } = parseRootCertificate(pem, new Date());
      const pinned = { fingerprint, der: root, manufacturer: subject, kind: 'virtual' as const };
      const judged = verifyEndorsement({ ...evidence, chain: [der('authority.pem')] }, [pinned], new Date());
      expect(judged).toMatchObject({ class: 'virtual', root: { fingerprint } });
      expect(judged.chain).toHaveLength(3);
    });
  },
);
