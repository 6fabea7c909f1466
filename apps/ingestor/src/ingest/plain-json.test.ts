import { describe, expect, it } from 'vitest';
import { plainJson } from './plain-json.ts';

describe('a JSON value of a device', () => {
  it('keeps its shape', () => {
    const value = { a: [1, true, null, 'x'], b: { c: 'd' } };
    expect(plainJson(value)).toEqual(value);
  });

  it('loses NUL and lone surrogates in keys and values, however deep', () => {
    expect(plainJson({ 'k\0': [{ x: '\ud800' }] })).toEqual({ 'k\ufffd': [{ x: '\ufffd' }] });
  });

  it('ends at a depth nobody needs', () => {
    let value: unknown = 'bottom';
    for (let depth = 0; depth < 1_000; depth++) value = [value];
    expect(JSON.stringify(plainJson(value))).not.toContain('bottom');
  });
});
