import { describe, expect, it } from 'vitest';
import { plainText } from './plain-text.ts';

describe('text of a device', () => {
  it('stays as it is when it is ordinary', () => {
    expect(plainText('node agent.mjs — héllo 你好 🙂\tx\ny', 100)).toBe(
      'node agent.mjs — héllo 你好 🙂\tx\ny',
    );
  });

  it('is cut to its limit without leaving half a character', () => {
    expect(plainText('abc🙂', 4)).toBe('abc\ufffd');
  });

  it.each([
    ['NUL', 'a\0b'],
    ['an escape sequence', 'a\x1bb'],
    ['a right-to-left override', 'a\u202eb'],
    ['an isolate', 'a\u2066b'],
    ['a C1 control', 'a\u009bb'],
  ])('loses %s', (_what, text) => {
    expect(plainText(text, 10)).toBe('a\ufffdb');
  });
});
