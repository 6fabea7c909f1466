import type { z } from 'zod';
import { formatPath, MAX_ISSUES } from './issue.ts';
import { IDENTIFIER } from './schema-parts.ts';
import { nearest } from './suggest.ts';

/** A schema mistake in words, before it has a position. */
export interface DescribedIssue {
  readonly message: string;
  readonly path: readonly PropertyKey[];
  /** Mark the key rather than its value. */
  readonly at: 'key' | 'value';
  readonly suggestion?: string;
}

/**
 * Puts what zod found into sentences, one per mistake.
 *
 * @param valueAt what the document holds at a path; `undefined` when nothing is there.
 * @param jsonSchema of the schema that found it; read only where a key is unknown.
 */
export function describeIssue(
  issue: z.core.$ZodIssue,
  valueAt: (path: readonly PropertyKey[]) => unknown,
  jsonSchema: () => z.core.JSONSchema.BaseSchema,
): DescribedIssue[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(jsonSchema(), issue.path);
    return issue.keys.slice(0, MAX_ISSUES).map((key) => describeUnknownKey(issue.path, key, known));
  }
  const name = issue.path.length === 0 ? 'the document' : `\`${formatPath(issue.path)}\``;
  const value = valueAt(issue.path);
  if (issue.code !== 'custom' && value === undefined) {
    return [{ message: `${name} is missing`, path: issue.path, at: 'value' }];
  }
  switch (issue.code) {
    case 'invalid_value':
      return [describeUnknownValue(issue, name, value)];
    case 'invalid_type':
      return [
        {
          message: `${name} must be ${TYPES[issue.expected] ?? issue.expected}`,
          path: issue.path,
          at: 'value',
        },
      ];
    case 'too_small':
      return [{ message: `${name} ${tooSmall(issue)}`, path: issue.path, at: 'value' }];
    case 'too_big':
      return [{ message: `${name} ${tooBig(issue)}`, path: issue.path, at: 'value' }];
    case 'invalid_format':
      return [describeFormat(issue, name, value)];
    default:
      return [describeCustom(issue)];
  }
}

function tooSmall({ origin, minimum, inclusive }: z.core.$ZodIssueTooSmall): string {
  if (!NUMERIC.has(origin)) return 'must not be empty';
  return `must be ${inclusive === false ? 'more than' : 'at least'} ${minimum}`;
}

function tooBig({ origin, maximum, inclusive }: z.core.$ZodIssueTooBig): string {
  if (!NUMERIC.has(origin)) return `is too long: at most ${maximum}`;
  return `must be ${inclusive === false ? 'less than' : 'at most'} ${maximum}`;
}

/** What zod calls sizes that are not lengths. */
const NUMERIC: ReadonlySet<string> = new Set(['number', 'int', 'bigint']);

const TYPES: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text (put it in quotes)',
  object: 'a mapping of keys to values',
  array: 'a list',
};

function describeUnknownKey(
  parent: readonly PropertyKey[],
  key: string,
  known: readonly string[],
): DescribedIssue {
  const meant = nearest(key, known);
  const where = parent.length === 0 ? 'the document' : `\`${formatPath(parent)}\``;
  const message =
    meant === undefined
      ? `unknown key \`${key}\` in ${where}; known are ${known.join(', ')}`
      : `unknown key \`${key}\` in ${where}`;
  const path = [...parent, key];
  return { message, path, at: 'key', ...(meant === undefined ? {} : { suggestion: meant }) };
}

function describeUnknownValue(
  issue: z.core.$ZodIssueInvalidValue,
  name: string,
  value: unknown,
): DescribedIssue {
  const known = issue.values.map(String);
  const meant = typeof value === 'string' ? nearest(value, known) : undefined;
  const only = known.length === 1 ? known[0] : undefined;
  const suggestion = meant ?? only;
  const message =
    meant === undefined
      ? `${name} must be ${known.map((option) => `\`${option}\``).join(' or ')}`
      : `${name} cannot be \`${String(value)}\``;
  return { message, path: issue.path, at: 'value', ...(suggestion === undefined ? {} : { suggestion }) };
}

function describeFormat(
  issue: z.core.$ZodIssueInvalidStringFormat,
  name: string,
  value: unknown,
): DescribedIssue {
  const message = `${name} ${issue.message}`;
  const suggestion = typeof value === 'string' && issue.pattern === String(IDENTIFIER) ? slug(value) : '';
  return { message, path: issue.path, at: 'value', ...(IDENTIFIER.test(suggestion) ? { suggestion } : {}) };
}

function describeCustom(issue: z.core.$ZodIssue): DescribedIssue {
  const params = issue.code === 'custom' ? issue.params : undefined;
  const suggestion: unknown = params?.suggestion;
  return {
    message: issue.message,
    path: issue.path,
    at: params?.at === 'key' ? 'key' : 'value',
    ...(typeof suggestion === 'string' ? { suggestion } : {}),
  };
}

function slug(text: string): string {
  return text
    .slice(0, 64)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '');
}

/** The keys that the schema knows at a path, read from its own JSON Schema so that the two cannot differ. */
function knownKeys(root: JsonSchemaNode, path: readonly PropertyKey[]): string[] {
  let schema: JsonSchemaNode | undefined = root;
  for (const step of path) {
    schema = typeof step === 'number' ? itemsOf(schema) : asNode(schema?.properties?.[String(step)]);
  }
  return Object.keys(schema?.properties ?? {});
}

type JsonSchemaNode = z.core.JSONSchema.BaseSchema;

function itemsOf(schema: JsonSchemaNode | undefined): JsonSchemaNode | undefined {
  return Array.isArray(schema?.items) ? undefined : asNode(schema?.items);
}

function asNode(schema: z.core.JSONSchema._JSONSchema | undefined): JsonSchemaNode | undefined {
  return typeof schema === 'boolean' ? undefined : schema;
}
