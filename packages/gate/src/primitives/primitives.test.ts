import { describe, expect, it } from 'vitest';
import { nodePrimitives } from '../node/node-primitives.ts';
import { portablePrimitives } from './portable-primitives.ts';

const bytes = (byte: number, count: number) => new Uint8Array(count).fill(byte);

/** RFC 4231 §4, test cases whose data is text. */
const HMAC_VECTORS = [
  {
    secret: bytes(0x0b, 20),
    text: 'Hi There',
    mac: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  },
  {
    secret: new TextEncoder().encode('Jefe'),
    text: 'what do ya want for nothing?',
    mac: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    secret: bytes(0xaa, 131),
    text: 'Test Using Larger Than Block-Size Key - Hash Key First',
    mac: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  },
];

describe.each([
  ['portable', portablePrimitives],
  ["Node's", nodePrimitives],
])('%s primitives', (_name, primitives) => {
  it.each(HMAC_VECTORS)('agree with RFC 4231: $text', ({ secret, text, mac }) => {
    expect(primitives.keyedHash(secret)(text)).toBe(mac);
  });

  it('hash the UTF-8 of a text', () => {
    // FIPS 180-4 example "abc"; the second is `printf 'é' | sha256sum`.
    expect(primitives.sha256Hex('abc')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(primitives.sha256Hex('é')).toBe(
      '4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c',
    );
  });

  it('keep no reference to a secret', () => {
    const secret = bytes(7, 32);
    const mac = primitives.keyedHash(secret);
    const before = mac('x');
    secret.fill(0);
    expect(mac('x')).toBe(before);
  });

  it.each([
    ['', '', true],
    ['ab', 'ab', true],
    ['ab', 'aB', false],
    ['ab', 'abc', false],
    ['abc', 'ab', false],
    ['', 'a', false],
    ['a', '\0', false],
  ])('compare %j with %j', (left, right, equal) => {
    expect(primitives.constantTimeEqual(left, right)).toBe(equal);
  });

  it('give out different bytes every time', () => {
    const seen = new Set(Array.from({ length: 2_000 }, () => primitives.randomHex(16)));
    expect(seen.size).toBe(2_000);
    for (const text of seen) expect(text).toMatch(/^[0-9a-f]{32}$/);
    expect(primitives.randomHex(5_000)).toHaveLength(10_000);
  });
});
