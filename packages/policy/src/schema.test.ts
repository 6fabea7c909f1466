import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { policyJsonSchema } from './schema.ts';

describe('the published JSON Schema', () => {
  const published: unknown = JSON.parse(
    readFileSync(new URL('../schema/policy.schema.json', import.meta.url), 'utf8'),
  );

  test('is the one that documents are parsed with (else: npm run schema -w packages/policy)', () => {
    expect(published).toEqual(policyJsonSchema());
  });

  test('describes every key that an author can write, for completion', () => {
    const undescribed = keysWithoutDescription(published, '');
    expect(undescribed).toEqual([]);
  });

  test('refuses unknown keys everywhere', () => {
    expect(openObjects(published, '')).toEqual([]);
  });
});

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
