import { expect, test } from 'vitest';
import { exampleOfFormat, keywordOfFormat, patternOfFormat } from './format.ts';

test('a format matches its own examples, whatever the seed', () => {
  for (const format of ['ghp_{alnum:36}', 'a.b-{hex:8-12}.{digit:3}', '{uuid}', 'T{upnum:4}/{base64:10}'])
    for (let seed = 1; seed < 50; seed++)
      expect(exampleOfFormat(format, seed)).toMatch(new RegExp(`^${patternOfFormat(format)}$`));
});

test('literal parts are taken literally', () => {
  expect(`aXb`).not.toMatch(new RegExp(`^${patternOfFormat('a.b')}$`));
});

test('the keyword is the literal head in lower case', () => {
  expect(keywordOfFormat('SG.{word:22}.{word:43}')).toBe('sg.');
});

test('an unknown field is refused', () => {
  expect(() => patternOfFormat('{nothing:3}')).toThrow(/no field named nothing/);
});
