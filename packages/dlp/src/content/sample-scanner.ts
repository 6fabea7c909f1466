import type { Finding } from '../finding.ts';
import type { Scanner } from '../scanner.ts';

const PATTERNS: readonly (readonly [string, Finding['category'], RegExp])[] = [
  ['sample-key', 'credential', /\bzk-[A-Za-z0-9]{20,48}\b/dg],
  ['private-key', 'credential', /-----BEGIN KEY-----[\sA-Za-z0-9+/=]{1,400}-----END KEY-----/dg],
  ['email', 'contact', /\b[a-z][a-z0-9.]{0,30}@[a-z]{2,20}\.(?:com|org)\b/dg],
  ['card', 'payment', /\b\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}\b/dg],
  ['password', 'credential', /\b(?:password|passwd)"?\s?[:=]\s?"?([^\s"&;]{6,40})/dg],
  ['entropy', 'unknown-secret', /\bu[0-9a-f]{31}\b/dg],
];

/** A small scanner for tests of what surrounds a scanner: few detectors, every shape of finding. */
export const sampleScanner: Scanner = {
  version: 'sample-1',
  longestFinding: 460,
  scan(text) {
    const found = PATTERNS.flatMap(([detector, category, pattern]) =>
      [...text.matchAll(pattern)].map((match): Finding => {
        const group = detector === 'password' ? 1 : 0;
        const [start, end] = match.indices?.[group] ?? [0, 0];
        return { detector, category, severity: 'high', start, end, confidence: 1 };
      }),
    ).sort((a, b) => a.start - b.start || b.end - a.end);
    let at = 0;
    return found.filter(({ start, end }) => {
      if (start < at) return false;
      at = end;
      return true;
    });
  },
};

/** Data that {@link sampleScanner} finds; written apart so that no scanner of sources does. */
export const samples = {
  key: `zk-${'a1B2c3D4'.repeat(3)}`,
  pem: `-----BEGIN ${'KEY'}-----\nMIIB${'x9Y8'.repeat(8)}\nAAAA==\n-----END ${'KEY'}-----`,
  email: `maria.keller@${'example'}.org`,
  card: ['4111', '1111', '1111', '1111'].join(' '),
  entropy: `u${'0f9e8d7c6b5a4'.repeat(3).slice(0, 31)}`,
};
