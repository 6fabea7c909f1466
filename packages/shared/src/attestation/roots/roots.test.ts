import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readMakerCertificate } from '../maker-certificate.ts';
import { BUILT_IN_ROOTS } from './built-in-roots.ts';
import { KNOWN_INTERMEDIATES } from './known-intermediates.ts';

describe('built-in roots', () => {
  it('are 21 self-signed authorities, each there once', () => {
    expect(BUILT_IN_ROOTS).toHaveLength(21);
    expect(new Set(BUILT_IN_ROOTS.map(({ fingerprint }) => fingerprint)).size).toBe(21);
    for (const { der, fingerprint } of BUILT_IN_ROOTS) {
      const certificate = readMakerCertificate(der);
      expect(certificate?.isAuthority, fingerprint).toBe(true);
      expect(certificate?.x509.issuer).toBe(certificate?.x509.subject);
      expect(certificate?.x509.verify(certificate.publicKey), certificate?.x509.subject).toBe(true);
      expect(createHash('sha256').update(der).digest('hex')).toBe(fingerprint);
      expect(certificate?.strangers).toEqual([]);
    }
    console.info(`${BUILT_IN_ROOTS.length} pinned roots, ${KNOWN_INTERMEDIATES.length} known intermediates`);
  });

  it('signed the intermediates that are known', () => {
    expect(KNOWN_INTERMEDIATES).toHaveLength(3);
    for (const der of KNOWN_INTERMEDIATES) {
      const certificate = readMakerCertificate(der);
      const issuers = BUILT_IN_ROOTS.map((root) => readMakerCertificate(root.der)).filter(
        (root) =>
          root !== undefined &&
          certificate?.x509.issuer === root.x509.subject &&
          certificate.x509.verify(root.publicKey),
      );
      expect(issuers, certificate?.x509.subject).toHaveLength(1);
    }
  });
});
