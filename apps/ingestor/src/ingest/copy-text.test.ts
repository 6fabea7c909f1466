import { describe, expect, it } from 'vitest';
import { copyLine } from './copy-text.ts';

describe('a line of COPY', () => {
  it('separates columns with tabs and ends with a newline', () => {
    expect(copyLine(['a', 1, 2n])).toBe('a\t1\t2\n');
  });

  it('cannot be broken out of by tabs, newlines or backslashes in a value', () => {
    expect(copyLine(['a\tb\nc\rd\\e\\N\\.'])).toBe('a\\tb\\nc\\rd\\\\e\\\\N\\\\.\n');
  });

  it('keeps null apart from the text \\N', () => {
    expect(copyLine([null, '\\N'])).toBe('\\N\t\\\\N\n');
  });

  it('writes bytes in hex', () => {
    expect(copyLine([Buffer.from([0, 255])])).toBe('\\\\x00ff\n');
  });

  it('replaces NUL, which Postgres cannot store', () => {
    expect(copyLine(['a\0b'])).toBe('a\ufffdb\n');
  });
});
