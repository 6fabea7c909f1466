import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parsePolicy } from './parse.ts';
import { parsePolicyTests, policyTestsJsonSchema } from './policy-test.ts';
import { policyJsonSchema } from './schema.ts';
import { STARTER_POLICY } from './starter.ts';

describe('the published JSON Schema', () => {
  const published = readJson('../schema/policy.schema.json');

  test('is the one that documents are parsed with (else: npm run schema -w packages/policy)', () => {
    expect(published).toEqual(policyJsonSchema());
  });

  test('of the tests next to a policy is theirs', () => {
    expect(readJson('../schema/policy-tests.schema.json')).toEqual(policyTestsJsonSchema());
  });

  test('describes every key that an author can write, for completion', () => {
    const undescribed = keysWithoutDescription(published, '');
    expect(undescribed).toEqual([]);
  });

  test('refuses unknown keys everywhere', () => {
    expect(openObjects(published, '')).toEqual([]);
  });
});

describe('an editor that reads the schema', () => {
  const validator = new Ajv2020({ allowUnionTypes: true });
  formats.default(validator);
  const isPolicy = validator.compile(policyJsonSchema());
  const isTests = validator.compile(policyTestsJsonSchema());
  const examples = fileURLToPath(new URL('../../../examples/policies/', import.meta.url));
  const files = readdirSync(examples).filter((name) => name.endsWith('.yaml'));
  const sources = new Map([
    ['the starter policy', STARTER_POLICY],
    ['the policy of the shared cases', read('../cases/engines/policy.yaml')],
    ...files
      .filter((name) => !name.includes('.test.'))
      .map((name) => [name, readFileSync(`${examples}${name}`, 'utf8')] as const),
    ...documentsIn(read('../../../docs/policies.md')),
  ]);

  test.each([...sources])('finds nothing in %s, as the parser does', (_name, source) => {
    expect(parsePolicy(source, { layer: 'global' })).toMatchObject({ ok: true });
    expect({ valid: isPolicy(parse(source)), errors: isPolicy.errors }).toEqual({
      valid: true,
      errors: null,
    });
  });

  test.each(files.filter((name) => name.includes('.test.')))('finds nothing in %s', (name) => {
    const source = readFileSync(`${examples}${name}`, 'utf8');
    expect(parsePolicyTests(source)).toMatchObject({ ok: true });
    expect({ valid: isTests(parse(source)), errors: isTests.errors }).toEqual({ valid: true, errors: null });
  });

  test('is pointed at by the examples', () => {
    for (const name of files) {
      const [, schema = ''] =
        /^# yaml-language-server: \$schema=(\S+)$/m.exec(readFileSync(`${examples}${name}`, 'utf8')) ?? [];
      expect(readJson(new URL(schema, `file://${examples}`))).toHaveProperty('$schema');
    }
  });

  test.each([
    ['an unknown key', 'network: { defualt: deny }'],
    ['an effect that is none', 'network: { rules: [{ id: a, effect: dney, models: [x] }] }'],
    ['a rule without a matcher', 'network: { rules: [{ id: a, effect: deny }] }'],
    [
      'a timeout where nobody is asked',
      'network: { rules: [{ id: a, effect: deny, timeout_seconds: 60, models: [x] }] }',
    ],
    [
      'four eyes of a limit that denies',
      'financial: { limits: [{ id: a, per: day, scope: user, amount: 1, approvers: 2 }] }',
    ],
    [
      'a timeout that is too short',
      'network: { rules: [{ id: a, effect: prompt, timeout_seconds: 1, models: [x] }] }',
    ],
    ['three approvers', 'network: { rules: [{ id: a, effect: prompt, approvers: 3, models: [x] }] }'],
    ['another provider', 'routing: { downgrade: [{ id: a, models: [x], to: { provider: y, model: z } }] }'],
    [
      'an operator that a field does not have',
      'trust: { rules: [{ id: a, effect: deny, below: 1, when: { agent.trust: { glob: x } } }] }',
    ],
    ['no section', ''],
  ])('sees %s, as the parser does', (_name, body) => {
    const source = `apiVersion: raypher/v1\nmode: enforce\n${body}\n`;
    expect(parsePolicy(source, { layer: 'global' })).toMatchObject({ ok: false });
    expect(isPolicy(parse(source))).toBe(false);
  });
});

/** Blocks of a page that are whole documents, and those that are sections of one. */
function documentsIn(page: string): [string, string][] {
  return [...page.matchAll(/^```yaml\n(.*?)^```$/gms)]
    .map(([, block = '']) => block)
    .filter((block) => /^[A-Za-z_]+:/.test(block) && !/^(?:exceptions|tests):/.test(block))
    .map((block, at) => [
      `block ${at + 1} of the documentation`,
      block.startsWith('apiVersion') ? block : `apiVersion: raypher/v1\nmode: enforce\n${block}`,
    ]);
}

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

function readJson(path: string | URL): unknown {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}

function keysWithoutDescription(schema: unknown, path: string): string[] {
  const others = field(schema, 'additionalProperties');
  const named = typeof others === 'object' ? keysWithoutDescription(others, `${path}.*`) : [];
  const own = propertiesOf(schema).flatMap(([key, value]) => {
    const at = `${path}.${key}`;
    const hasDescription = typeof field(value, 'description') === 'string';
    return [...(hasDescription ? [] : [at]), ...keysWithoutDescription(value, at)];
  });
  const items = field(schema, 'items');
  const all = [...own, ...named];
  return items === undefined ? all : [...all, ...keysWithoutDescription(items, `${path}[]`)];
}

function openObjects(schema: unknown, path: string): string[] {
  const others = field(schema, 'additionalProperties');
  // Names that the author makes up, as those of aliases, have a schema for what stands under them.
  const isMap = typeof others === 'object' && propertiesOf(schema).length === 0;
  const isOpen = field(schema, 'type') === 'object' && others !== false && !isMap;
  const below = propertiesOf(schema).flatMap(([key, value]) => openObjects(value, `${path}.${key}`));
  const items = field(schema, 'items');
  return [
    ...(isOpen ? [path] : []),
    ...below,
    ...(isMap ? openObjects(others, `${path}.*`) : []),
    ...(items === undefined ? [] : openObjects(items, `${path}[]`)),
  ];
}

function propertiesOf(schema: unknown): [string, unknown][] {
  const properties = field(schema, 'properties');
  return typeof properties === 'object' && properties !== null ? Object.entries(properties) : [];
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}
