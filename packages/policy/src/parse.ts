import type { PolicyIssue } from './issue.ts';
import type { PolicyLayer } from './layer.ts';
import { readDocument } from './read-document.ts';
import { PolicyDocument, policyJsonSchema } from './schema.ts';

export { MAX_SOURCE_LENGTH } from './read-document.ts';

export type ParsedPolicy =
  | { readonly ok: true; readonly layer: PolicyLayer; readonly document: PolicyDocument }
  | { readonly ok: false; readonly issues: readonly PolicyIssue[] };

/**
 * Reads a policy document written in YAML 1.2 or JSON. Never throws on bad input: every mistake that can be
 * found comes back with its place in the source. YAML aliases, custom tags and several documents in one
 * source are refused: they make a policy say something else than what a reader sees.
 *
 * @example
 * const parsed = parsePolicy(source, { layer: 'global' });
 * if (parsed.ok) compilePolicy({ revision, layers: [parsed] });
 */
export function parsePolicy(source: string, options: { readonly layer: PolicyLayer }): ParsedPolicy {
  const read = readDocument(source, PolicyDocument, () => (jsonSchema ??= policyJsonSchema()));
  return read.ok ? { ok: true, layer: options.layer, document: read.data } : read;
}

/** Made once, and only when there is a mistake to describe. */
let jsonSchema: ReturnType<typeof policyJsonSchema> | undefined;
