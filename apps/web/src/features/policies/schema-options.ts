import { z } from 'zod';
import type { YamlPosition } from './yaml-path.ts';

/** The parts of JSON Schema (2020-12) that completion reads. */
const SchemaNode = z.object({
  description: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  type: z.unknown().optional(),
});
type SchemaNode = z.infer<typeof SchemaNode>;

export interface SchemaOption {
  /** What is written. */
  text: string;
  kind: 'key' | 'value';
  /** The schema's own sentence about it. */
  description: string;
}

/** What may be written at a position, by the policy's published schema. */
export function schemaOptions(schema: unknown, position: YamlPosition): SchemaOption[] {
  const node = resolve(schema, position.path);
  if (node?.properties === undefined) return [];
  if (position.key !== undefined) return values(read(node.properties[position.key]));
  return Object.entries(node.properties)
    .filter(([key]) => !position.present.includes(key))
    .map(([key, child]) => {
      const property = read(child);
      return {
        text: `${key}:${opensBlock(property) ? '' : ' '}`,
        kind: 'key',
        description: property?.description ?? '',
      };
    });
}

function values(node: SchemaNode | undefined): SchemaOption[] {
  if (node === undefined) return [];
  const words = node.enum ?? (node.const === undefined ? [] : [node.const]);
  return words.map((word) => ({ text: String(word), kind: 'value', description: node.description ?? '' }));
}

function opensBlock(node: SchemaNode | undefined): boolean {
  return node?.properties !== undefined || node?.items !== undefined;
}

function resolve(schema: unknown, path: readonly string[]): SchemaNode | undefined {
  return path.reduce<SchemaNode | undefined>((node, step) => {
    if (step === '[]') return read(node?.items);
    return read(node?.properties?.[step]);
  }, read(schema));
}

function read(value: unknown): SchemaNode | undefined {
  return SchemaNode.safeParse(value).data;
}
