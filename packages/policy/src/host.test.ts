import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normaliseHost } from './host.ts';

interface HostCases {
  canonical: { written: string; host: string; why?: string }[];
  invalid: string[];
}
const cases: HostCases = JSON.parse(readFileSync(new URL('../cases/hosts.json', import.meta.url), 'utf8'));

describe('one spelling for every host', () => {
  test.each(cases.canonical)('$written is $host', ({ written, host }) => {
    expect(normaliseHost(written)).toBe(host);
  });

  test.each(cases.invalid)('%j is not a host', (written) => {
    expect(normaliseHost(written)).toBeUndefined();
  });

  test('the canonical spelling of a canonical spelling is itself', () => {
    const anyHost = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV4Extended(), fc.ipV6(), fc.string());
    fc.assert(
      fc.property(anyHost, (written) => {
        const host = normaliseHost(written);
        if (host !== undefined) expect(normaliseHost(host)).toBe(host);
      }),
    );
  });

  test('every way to write an IPv4 address names the same host', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (address) => {
        const parts = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255);
        const dotted = parts.join('.');
        const high = (address >>> 16).toString(16);
        const low = (address & 0xffff).toString(16);
        const spellings = [
          dotted,
          `${dotted}.`,
          String(address),
          `0x${address.toString(16)}`,
          `0${address.toString(8)}`,
          parts.map((part) => `0x${part.toString(16)}`).join('.'),
          parts.map((part) => `0${part.toString(8)}`).join('.'),
          `::ffff:${dotted}`,
          `[::FFFF:${high}:${low}]`,
        ];
        for (const spelling of spellings) expect(normaliseHost(spelling)).toBe(dotted);
      }),
    );
  });

  test('names longer than DNS allows are refused', () => {
    const label = 'a'.repeat(63);
    expect(normaliseHost([label, label, label, 'a'.repeat(61)].join('.'))).toHaveLength(253);
    expect(normaliseHost([label, label, label, 'a'.repeat(62)].join('.'))).toBeUndefined();
    expect(normaliseHost(`${label}a.com`)).toBeUndefined();
    expect(normaliseHost('%61'.repeat(10_000))).toBeUndefined();
  });
});
