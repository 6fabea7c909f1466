import { type Document, isNode, isScalar, visit } from 'yaml';
import type { z } from 'zod';
import { formatPath, MAX_ISSUES, type PolicyIssue } from './issue.ts';
import { parseYaml } from './parse-yaml.ts';
import { describeIssue } from './schema-issue.ts';
import { excessOf } from './source-limits.ts';
import { SourceMap, valueAt } from './source-map.ts';

/** Characters. Larger sources are refused unread. */
export const MAX_SOURCE_LENGTH = 1_000_000;

export type ReadDocument<T> =
  | { readonly ok: true; readonly data: T }
  | { readonly ok: false; readonly issues: readonly PolicyIssue[] };

/**
 * Reads YAML 1.2 or JSON by a schema. Never throws on bad input: every mistake that can be found comes back
 * with its place in the source. YAML aliases, custom tags and several documents in one source are refused:
 * they make a document say something else than what a reader sees.
 *
 * @param jsonSchema the same schema, to look up which keys there are
 */
export function readDocument<T>(
  source: string,
  schema: z.ZodType<T>,
  jsonSchema: () => z.core.JSONSchema.BaseSchema,
): ReadDocument<T> {
  const map = new SourceMap(source);
  if (source.length > MAX_SOURCE_LENGTH) {
    const message = `a policy document is at most ${MAX_SOURCE_LENGTH} characters; this one has ${source.length}`;
    return refuse([{ code: 'policy/syntax', message, ...map.range(0, 0), path: '' }]);
  }
  const excess = excessOf(source);
  if (excess !== undefined) {
    const range = map.range(excess.at, excess.at + 1);
    return refuse([{ code: 'policy/syntax', message: excess.message, ...range, path: '' }]);
  }
  const yaml = parseYaml(source);
  const syntax = [...yaml.errors, ...yaml.warnings].slice(0, MAX_ISSUES).map((error): PolicyIssue => {
    return { code: 'policy/syntax', message: error.message, ...map.range(...error.pos), path: '' };
  });
  if (syntax.length > 0) return refuse(syntax);
  const tree = treeIssues(yaml, map);
  if (tree.hasAlias) return refuse(tree.issues);

  const data: unknown = yaml.toJS();
  const checked = schema.safeParse(data);
  if (checked.success && tree.issues.length === 0) return { ok: true, data: checked.data };
  const issues = (checked.error?.issues ?? [])
    .slice(0, MAX_ISSUES)
    .flatMap((issue) => describeIssue(issue, (path) => valueAt(data, path), jsonSchema))
    .map(({ message, path, at, suggestion }): PolicyIssue => {
      const range = map.locate(yaml, path, at);
      const base = { code: 'policy/schema' as const, message, ...range, path: formatPath(path) };
      return suggestion === undefined ? base : { ...base, suggestion };
    });
  return refuse([...tree.issues, ...issues]);
}

function refuse(issues: readonly PolicyIssue[]): { ok: false; issues: PolicyIssue[] } {
  const inOrder = issues.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { ok: false, issues: inOrder.slice(0, MAX_ISSUES) };
}

/** What is legal YAML but not a policy: aliases, keys that are not text, keys that repeat. */
function treeIssues(yaml: Document, map: SourceMap): { issues: PolicyIssue[]; hasAlias: boolean } {
  const issues: PolicyIssue[] = [];
  let hasAlias = false;
  visit(yaml, {
    Alias(_key, node) {
      hasAlias = true;
      const message = `YAML aliases are not accepted: write the value of \`*${node.source}\` out`;
      issues.push({ code: 'policy/syntax', message, ...map.rangeOf(node), path: '' });
    },
    Map(_key, node) {
      const seen = new Set<string>();
      for (const { key } of node.items) {
        const range = map.rangeOf(isNode(key) ? key : node);
        if (!isScalar(key) || typeof key.value !== 'string') {
          issues.push({ code: 'policy/syntax', message: 'a key must be text', ...range, path: '' });
        } else if (seen.has(key.value)) {
          const message = `key \`${key.value}\` is used more than once in this mapping`;
          issues.push({ code: 'policy/syntax', message, ...range, path: '' });
        } else {
          seen.add(key.value);
        }
      }
    },
  });
  return { issues, hasAlias };
}
