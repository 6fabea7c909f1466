import { describe, expect, it } from 'vitest';
import { nameProblem, valueProblem } from './secret-draft.ts';

describe("a key's name", () => {
  it.each(['openai', 'team-a.openai_2', '7'])('%s is taken', (name) => {
    expect(nameProblem(name)).toBeUndefined();
  });
  it.each(['-a', 'a b', 'ä', 'a/b', 'a'.repeat(65)])('%s is not', (name) => {
    expect(nameProblem(name)).toBeDefined();
  });
});

describe('a pasted key', () => {
  const key = ['sk', 'test', 'x'.repeat(40)].join('-');
  it('is taken as it is', () => {
    expect(valueProblem(key)).toBeUndefined();
  });
  it.each([
    ['a line break after it', `${key}\n`],
    ['a space in it', `${key} ${key}`],
    ['letters that a header cannot carry', `${key}é`],
    ['too many letters', 'x'.repeat(8193)],
  ])('is not with %s, and the sentence does not repeat it', (_, value) => {
    expect(valueProblem(value)).toBeDefined();
    expect(valueProblem(value)).not.toContain(key);
  });
});
