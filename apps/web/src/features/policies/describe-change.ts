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

/** One change in words. */
export function describeChange(change: PolicyChange): string {
  switch (change.kind) {
    case 'layer-added':
      return 'The policy is new';
    case 'layer-removed':
      return 'The policy is removed';
    case 'mode-changed':
      return `Mode: ${change.before ?? 'none'} → ${change.after ?? 'none'}`;
    case 'default-changed':
      return `Default: ${change.before ?? 'none'} → ${change.after ?? 'none'}`;
    case 'rule-added':
      return `Rule ${change.rule} added: ${change.after.effect}`;
    case 'rule-removed':
      return `Rule ${change.rule} removed`;
    case 'rule-changed':
      return change.before.effect === change.after.effect
        ? `Rule ${change.rule} changed`
        : `Rule ${change.rule}: ${change.before.effect} → ${change.after.effect}`;
    case 'rules-reordered':
      return 'Rules stand in another order; the first match decides';
  }
}
