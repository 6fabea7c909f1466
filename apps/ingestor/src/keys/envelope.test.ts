import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { seal, unseal } from './envelope.ts';

const context = { owner: 'organisation', purpose: 'policy-signing', keyId: 'k1' };
const masterKey = randomBytes(32);

describe('a sealed key', () => {
  it('opens with the same master key and context', () => {
    const plain = randomBytes(48);
    expect(unseal(masterKey, seal(masterKey, plain, context), context)).toEqual(plain);
  });

  it('is different every time', () => {
    const plain = Buffer.from('the same');
    expect(seal(masterKey, plain, context)).not.toEqual(seal(masterKey, plain, context));
  });

  it.each([
    ['another organisation', { ...context, owner: 'other' }],
    ['another purpose', { ...context, purpose: 'device-ca' }],
    ['another key id', { ...context, keyId: 'k2' }],
  ])('does not open for %s', (_what, other) => {
    const sealed = seal(masterKey, Buffer.from('secret'), context);
    expect(() => unseal(masterKey, sealed, other)).toThrow('cannot be opened');
  });

  it('does not open with another master key', () => {
    expect(() => unseal(randomBytes(32), seal(masterKey, Buffer.from('secret'), context), context)).toThrow();
  });

  it('does not open when any byte of it changed', () => {
    const sealed = seal(masterKey, Buffer.from('secret'), context);
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => unseal(masterKey, changed, context)).toThrow('cannot be opened');
    }
  });

  it('does not open when its end is cut off', () => {
    const sealed = seal(masterKey, Buffer.from('secret'), context);
    for (let length = 0; length < sealed.length; length++) {
      expect(() => unseal(masterKey, sealed.subarray(0, length), context)).toThrow('cannot be opened');
    }
  });
});
