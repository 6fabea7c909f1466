import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalBytes, sha256Hex } from './canonical.ts';
import { batchStatement, EMPTY_CHAIN, extendChain, type LinkedEntry } from './chain.ts';

const read = (bytes: Uint8Array) =>
  JSON.parse(new TextDecoder().decode(bytes)) as LinkedEntry & { data: string };

function chainOf(data: string[]): Uint8Array[] {
  let { seq, hash } = EMPTY_CHAIN;
  return data.map((text) => {
    seq += 1;
    const bytes = canonicalBytes({ seq, prev: hash, data: text });
    hash = sha256Hex(bytes);
    return bytes;
  });
}

describe('a device chain', () => {
  it('accepts what was written and ends at its head', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 20 }), (data) => {
        const result = extendChain(EMPTY_CHAIN, chainOf(data), read);
        expect('head' in result && result.head.seq).toBe(data.length);
      }),
    );
  });

  it('splits anywhere and still joins up', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 2, maxLength: 12 }), fc.nat(), (data, cut) => {
        const entries = chainOf(data);
        const at = cut % entries.length;
        const first = extendChain(EMPTY_CHAIN, entries.slice(0, at), read);
        if ('fault' in first) throw new Error('unexpected fault');
        const second = extendChain(first.head, entries.slice(at), read);
        expect(second).toMatchObject({ head: { seq: data.length } });
      }),
    );
  });

  it('names the first entry after any single deletion, swap or edit', () => {
    const data = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 3, maxLength: 10 });
    fc.assert(
      fc.property(data, fc.nat(), fc.constantFrom('delete', 'swap', 'edit'), (values, at, attack) => {
        const entries = chainOf(values);
        const index = at % (entries.length - 1);
        if (attack === 'delete') entries.splice(index, 1);
        if (attack === 'swap') entries.splice(index, 2, ...entries.slice(index, index + 2).reverse());
        if (attack === 'edit') {
          const bytes = entries[index];
          if (bytes) entries[index] = canonicalBytes({ ...read(bytes), data: 'forged by a test' });
        }
        expect(extendChain(EMPTY_CHAIN, entries, read)).toHaveProperty('fault');
      }),
    );
  });

  it('signs a statement that differs for every field', () => {
    const base = { organisation: 'o', device: 'd', firstSeq: 1, count: 2, head: 'h' };
    const variants = [
      base,
      { ...base, device: 'e' },
      { ...base, firstSeq: 2 },
      { ...base, count: 3 },
      { ...base, head: 'i' },
    ];
    expect(new Set(variants.map((variant) => sha256Hex(batchStatement(variant)))).size).toBe(variants.length);
  });
});
