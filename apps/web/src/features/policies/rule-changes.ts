import { diffPolicies, type LayeredDocument, type PolicyChange, parsePolicy } from '@raypher/policy';
import { type Draft, GLOBAL } from './draft.ts';

/** What changes in effect between two sources of one owner; undefined while one of them does not parse. */
export function ruleChanges(owner: string, before: Draft, after: Draft): PolicyChange[] | undefined {
  const layer = owner === GLOBAL ? 'global' : 'team';
  const from = read(before[owner], layer);
  const to = read(after[owner], layer);
  return from === undefined || to === undefined ? undefined : diffPolicies(from, to);
}

function read(source: string | undefined, layer: 'global' | 'team'): LayeredDocument[] | undefined {
  if (source === undefined || source.trim() === '') return [];
  const parsed = parsePolicy(source, { layer });
  return parsed.ok ? [{ layer, document: parsed.document }] : undefined;
}
