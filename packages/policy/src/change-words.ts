import type { PolicyChange, PolicyRule } from './diff.ts';

/** One difference between two policies, in words. */
export function changeInWords(change: PolicyChange): string {
  switch (change.kind) {
    case 'layer-added':
      return 'The policy is new';
    case 'layer-removed':
      return 'The policy is removed';
    case 'mode-changed':
      return `Mode: ${change.before ?? 'none'} → ${change.after ?? 'none'}`;
    case 'default-changed':
      return `Default of ${change.section}: ${change.before ?? 'none'} → ${change.after ?? 'none'}`;
    case 'setting-changed':
      return `${change.setting}: ${change.before ?? 'not set'} → ${change.after ?? 'not set'}`;
    case 'rule-added':
      return `Rule ${change.rule} added: ${consequenceOf(change.after)}`;
    case 'rule-removed':
      return `Rule ${change.rule} removed: ${consequenceOf(change.before)}`;
    case 'rule-changed': {
      const [before, after] = [consequenceOf(change.before), consequenceOf(change.after)];
      return before === after ? `Rule ${change.rule} changed` : `Rule ${change.rule}: ${before} → ${after}`;
    }
    case 'rules-reordered':
      return 'Rules stand in another order; the first match decides';
  }
}

/** What a rule does where it matches. */
function consequenceOf(rule: PolicyRule): string {
  if ('effect' in rule) return 'amount' in rule ? `${rule.effect} above $${rule.amount}` : rule.effect;
  if ('to' in rule) return `to ${rule.to.model}`;
  if ('model' in rule) return `for ${rule.model}`;
  return `finds ${rule.class} data`;
}
