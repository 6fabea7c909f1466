import { describe, expect, it } from 'vitest';
import { readSelector } from './selector-draft.ts';

describe('what to freeze', () => {
  it.each([
    ['all', '', { kind: 'all' }],
    ['library', ' @langchain/core ', { kind: 'library', name: '@langchain/core' }],
    ['model', 'llama3:8b', { kind: 'model', name: 'llama3:8b' }],
    ['hash', 'AB'.repeat(32), { kind: 'hash', sha256: 'ab'.repeat(32) }],
    [
      'team',
      '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
      { kind: 'team', team: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff' },
    ],
  ] as const)('%s "%s" is a selector', (kind, value, selector) => {
    expect(readSelector(kind, value)).toEqual({ ok: true, selector });
  });

  it('is not wrong before anything was typed', () => {
    expect(readSelector('library', '  ')).toEqual({ ok: false, problem: undefined });
  });

  it('says what a value should have been', () => {
    expect(readSelector('hash', 'abc')).toEqual({
      ok: false,
      problem: 'This is not a SHA-256 in lower-case hex.',
    });
  });
});
