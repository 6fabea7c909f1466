import { policyJsonSchema } from '@raypher/policy';
import { describe, expect, it } from 'vitest';
import { schemaOptions } from './schema-options.ts';
import { yamlPosition } from './yaml-path.ts';

/** `|` is the cursor. */
function at(text: string) {
  const before = text.slice(0, text.indexOf('|')).split('\n');
  const lines = text.replace('|', '').split('\n');
  return yamlPosition(lines, before.length - 1, (before.at(-1) ?? '').length);
}

const RULES = 'apiVersion: raypher/v1\nmode: monitor\nnetwork:\n  default: allow\n  rules:\n';

describe('where the cursor stands in a policy', () => {
  it.each([
    ['m|', { path: [], key: undefined, typed: 'm' }],
    ['apiVersion: raypher/v1\nmode: en|', { path: [], key: 'mode', typed: 'en' }],
    ['network:\n  de|', { path: ['network'], key: undefined, typed: 'de' }],
    [`${RULES}    - i|`, { path: ['network', 'rules', '[]'], key: undefined, typed: 'i' }],
    [
      `${RULES}    - id: a\n      effect: d|`,
      { path: ['network', 'rules', '[]'], key: 'effect', typed: 'd' },
    ],
    [
      `${RULES}    - id: a\n    - id: b\n      |`,
      { path: ['network', 'rules', '[]'], key: undefined, typed: '' },
    ],
    [`${RULES}  - id: a\n    |`, { path: ['network', 'rules', '[]'], key: undefined }],
    [
      `${RULES}    - id: a\n      agents:\n        na|`,
      { path: ['network', 'rules', '[]', 'agents'], typed: 'na' },
    ],
    [
      `${RULES}    - id: a\n      # a comment\n\n      rea|`,
      { path: ['network', 'rules', '[]'], typed: 'rea' },
    ],
  ])('%j', (text, expected) => {
    expect(at(text)).toMatchObject(expected);
  });

  it('knows the keys that the mapping has already, above and below', () => {
    expect(
      at(`${RULES}    - id: a\n      |\n      effect: deny\n    - id: b\n      reason: x`).present.sort(),
    ).toEqual(['effect', 'id']);
    expect(at('apiVersion: raypher/v1\n|\nmode: monitor').present.sort()).toEqual(['apiVersion', 'mode']);
  });
});

describe('what the schema offers there', () => {
  const offer = (text: string) => schemaOptions(policyJsonSchema(), at(text)).map((option) => option.text);

  it('offers the keys that are still missing', () => {
    expect(offer('apiVersion: raypher/v1\n|')).toEqual(
      expect.arrayContaining(['description: ', 'mode: ', 'network:', 'operational:', 'exceptions:']),
    );
    expect(offer(`${RULES}    - id: a\n      |`)).toContain('destinations:');
    expect(offer(`${RULES}    - id: a\n      |`)).not.toContain('id: ');
  });

  it('offers the words that a value may be', () => {
    expect(offer('mode: |')).toEqual(['monitor', 'enforce']);
    expect(offer(`${RULES}    - id: a\n      effect: |`)).toEqual(['allow', 'deny', 'prompt']);
  });

  it('offers nothing where nothing is known', () => {
    expect(offer('nonsense:\n  |')).toEqual([]);
    expect(offer(`${RULES}    - id: |`)).toEqual([]);
  });
});
