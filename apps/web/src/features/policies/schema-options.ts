import { z } from 'zod';
import type { YamlPosition } from './yaml-path.ts';

/** The parts of JSON Schema (2020-12) that completion reads. */
const SchemaNode = z.object({
  description: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  additionalProperties: z.unknown().optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  default: z.unknown().optional(),
  type: z.unknown().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
type SchemaNode = z.infer<typeof SchemaNode>;

export interface SchemaOption {
  /** What is written. */
  text: string;
  kind: 'key' | 'value';
  /** The schema's own sentence about it. */
  description: string;
}

/** What may be written at a position, by a published schema. */
export function schemaOptions(schema: unknown, position: YamlPosition): SchemaOption[] {
  const node = resolve(schema, position.path);
  if (position.key !== undefined) return values(member(node, position.key));
  if (node?.properties === undefined) return values(node);
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

/** What a key means and may hold, in sentences; undefined where the schema does not know it. */
export function describeKey(schema: unknown, path: readonly string[], key: string): string[] | undefined {
  const node = member(resolve(schema, path), key);
  if (node === undefined) return undefined;
  const words = choices(node).length > 0 ? choices(node) : choices(read(node.items));
  const { minimum, maximum } = node;
  return [
    ...(node.description === undefined ? [] : [node.description]),
    ...(words.length > 0 ? [`One of: ${words.join(', ')}.`] : []),
    ...(minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER
      ? [`${minimum} to ${maximum}.`]
      : []),
    ...(node.default === undefined || typeof node.default === 'object'
      ? []
      : [`Default: ${String(node.default)}.`]),
  ];
}

function values(node: SchemaNode | undefined): SchemaOption[] {
  const description = node?.description ?? '';
  return choices(node).map((text) => ({ text, kind: 'value', description }));
}

function choices(node: SchemaNode | undefined): string[] {
  if (node === undefined) return [];
  if (node.type === 'boolean') return ['true', 'false'];
  return (node.enum ?? (node.const === undefined ? [] : [node.const])).map(String);
}

function opensBlock(node: SchemaNode | undefined): boolean {
  return (
    node?.properties !== undefined ||
    node?.items !== undefined ||
    node?.additionalProperties instanceof Object
  );
}

function resolve(schema: unknown, path: readonly string[]): SchemaNode | undefined {
  return path.reduce<SchemaNode | undefined>(
    (node, step) => (step === '[]' ? read(node?.items) : member(node, step)),
    read(schema),
  );
}

/** Maps of names that their author chooses, such as aliases, say what all of their values are. */
function member(node: SchemaNode | undefined, key: string): SchemaNode | undefined {
  return read(node?.properties?.[key]) ?? read(node?.additionalProperties);
}

function read(value: unknown): SchemaNode | undefined {
  const node = SchemaNode.safeParse(value).data;
  if (node?.anyOf === undefined || node.properties !== undefined) return node;
  // Of alternatives the one that says something; the other is mostly null.
  const { anyOf, ...rest } = node;
  const said = anyOf.map(read).find((one) => one?.properties ?? one?.items ?? one?.enum ?? one?.type);
  return said === undefined ? node : { ...said, ...rest };
}
