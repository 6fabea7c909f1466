import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { specialAddress, specialName } from './address-class.ts';
import { normaliseHost } from './host.ts';

interface AddressCases {
  special: { written: string; class: string; why?: string }[];
  names: { written: string; class: string; why?: string }[];
  public: string[];
}
const cases: AddressCases = JSON.parse(
  readFileSync(new URL('../cases/addresses.json', import.meta.url), 'utf8'),
);

/** As a decision does it: first the one spelling, then what that is. */
function classOf(written: string): string | undefined {
  const host = normaliseHost(written);
  return host === undefined ? 'not a host' : (specialName(host) ?? specialAddress(host))?.class;
}

describe('what an address is for', () => {
  test.each([...cases.special, ...cases.names])('$written is $class', ({ written, class: expected }) => {
    expect(classOf(written)).toBe(expected);
  });

  test.each(cases.public)('%s is nothing special', (written) => {
    expect(classOf(written)).toBeUndefined();
  });

  test('an IPv4 address is the same whatever carries it', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (address) => {
        const [high, low] = [(address >>> 16).toString(16), (address & 0xffff).toString(16)];
        const own = specialAddress([24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.'))?.class;
        for (const carrier of [
          `::ffff:${high}:${low}`,
          `64:ff9b::${high}:${low}`,
          `2002:${high}:${low}::1`,
        ]) {
          expect(specialAddress(carrier)?.class).toBe(own);
        }
      }),
    );
  });
});
