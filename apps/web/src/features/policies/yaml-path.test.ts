import { snippet } from '@codemirror/autocomplete';
import { indentUnit } from '@codemirror/language';
import { EditorState, type Transaction } from '@codemirror/state';
import { parsePolicy, policyJsonSchema, policyTestsJsonSchema } from '@raypher/policy';
import { describe, expect, it } from 'vitest';
import { indented, SNIPPET_PATHS, snippetAt } from './policy-snippets.ts';
import { describeKey, schemaOptions } from './schema-options.ts';
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

describe('what the schema says about a key', () => {
  const schema = policyJsonSchema();

  it('is its sentence, its words and its default', () => {
    expect(describeKey(schema, [], 'mode')).toEqual([
      'monitor records what would have been blocked; enforce blocks it.',
      'One of: monitor, enforce.',
    ]);
    expect(describeKey(schema, ['network'], 'default')).toContain('Default: deny.');
    expect(describeKey(schema, ['network', 'rules', '[]'], 'timeout_seconds')?.join(' ')).toContain(
      '5 to 3600',
    );
    expect(describeKey(schema, ['routing', 'aliases', 'fast'], 'model')).toBeDefined();
    expect(describeKey(schema, [], 'nonsense')).toBeUndefined();
  });

  it('is known in every section, and in tests', () => {
    for (const path of SNIPPET_PATHS) {
      const root = path === 'tests' ? policyTestsJsonSchema() : schema;
      const steps = path.split('.');
      expect(describeKey(root, steps.slice(0, -1), steps.at(-1) ?? ''), path).not.toEqual([]);
      const position = { path: [...steps, '[]'], key: undefined, typed: '', present: [] };
      expect(schemaOptions(root, position).length, path).toBeGreaterThan(1);
    }
    expect(
      schemaOptions(
        policyTestsJsonSchema(),
        at('tests:\n  - name: a\n    request:\n      agent:\n        |'),
      ).map(({ text }) => text),
    ).toContain('team: ');
  });
});

describe('a snippet', () => {
  const HEAD = 'apiVersion: raypher/v1\nmode: monitor\n';
  const BAN = 'network:\n  rules: [{ id: rule-of-this-document, effect: deny, models: [x] }]\n';

  it.each(SNIPPET_PATHS.filter((path) => path !== 'tests'))('of %s is a valid item as it stands', (path) => {
    const steps = path.split('.');
    const position = { path: [...steps, '[]'], key: undefined, typed: '', present: [] };
    const found = snippetAt(position);
    if (found === undefined) throw new Error(`no snippet for ${path}`);
    const lists = steps.map((step, depth) => `${'  '.repeat(depth)}${step}:\n`).join('');
    const dash = `${'  '.repeat(steps.length)}- `;
    let state = EditorState.create({
      doc: `${HEAD}${path === 'exceptions' ? BAN : ''}${lists}${dash}`,
      extensions: indentUnit.of('  '),
    });
    const editor = {
      state,
      dispatch(transaction: Transaction) {
        state = transaction.state;
      },
    };
    snippet(indented(found, 2))(editor, null, state.doc.length, state.doc.length);
    const source = state.doc.toString();
    const parsed = parsePolicy(source, { layer: 'global' });
    expect(parsed.ok ? [] : parsed.issues, source).toEqual([]);
  });

  it('is offered at an empty item alone', () => {
    expect(snippetAt(at(`${RULES}    - |`))?.label).toBe('rule for connections');
    expect(snippetAt(at(`${RULES}    - id: a\n      |`))).toBeUndefined();
    expect(snippetAt(at('network:\n  |'))).toBeUndefined();
  });
});
