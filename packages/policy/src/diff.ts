import { canonicalBytes, sha256Hex } from '@raypher/ledger';
import { type LayeredDocument, POLICY_LAYERS, type PolicyLayer } from './layer.ts';
import type { NetworkRule, PolicyDocument } from './schema.ts';

/** One difference between two policies, in the terms of their documents. */
export type PolicyChange =
  | { readonly kind: 'layer-added' | 'layer-removed'; readonly layer: PolicyLayer }
  | {
      readonly kind: 'mode-changed' | 'default-changed';
      readonly layer: PolicyLayer;
      /** `undefined` where the section does not exist. */
      readonly before: string | undefined;
      readonly after: string | undefined;
    }
  | {
      readonly kind: 'rule-added';
      readonly layer: PolicyLayer;
      readonly rule: string;
      readonly after: NetworkRule;
    }
  | {
      readonly kind: 'rule-removed';
      readonly layer: PolicyLayer;
      readonly rule: string;
      readonly before: NetworkRule;
    }
  | {
      readonly kind: 'rule-changed';
      readonly layer: PolicyLayer;
      readonly rule: string;
      readonly before: NetworkRule;
      readonly after: NetworkRule;
    }
  /** The rules that both have stand in another order, which matters: the first match decides. */
  | {
      readonly kind: 'rules-reordered';
      readonly layer: PolicyLayer;
      readonly before: readonly string[];
      readonly after: readonly string[];
    };

/** What changes from one set of documents to another; empty when they say the same. Comments do not count. */
export function diffPolicies(
  before: readonly LayeredDocument[],
  after: readonly LayeredDocument[],
): PolicyChange[] {
  return POLICY_LAYERS.flatMap((layer): PolicyChange[] => {
    const from = before.find((one) => one.layer === layer)?.document;
    const to = after.find((one) => one.layer === layer)?.document;
    if (from === undefined && to === undefined) return [];
    const presence: PolicyChange[] = [];
    if (from === undefined) presence.push({ kind: 'layer-added', layer });
    if (to === undefined) presence.push({ kind: 'layer-removed', layer });
    return [...presence, ...settingChanges(layer, from, to), ...ruleChanges(layer, from, to)];
  });
}

type MaybeDocument = PolicyDocument | undefined;

function settingChanges(layer: PolicyLayer, from: MaybeDocument, to: MaybeDocument): PolicyChange[] {
  const changes: PolicyChange[] = [];
  if (from?.mode !== to?.mode) {
    changes.push({ kind: 'mode-changed', layer, before: from?.mode, after: to?.mode });
  }
  const [before, after] = [from?.network?.default, to?.network?.default];
  if (before !== after) changes.push({ kind: 'default-changed', layer, before, after });
  return changes;
}

function ruleChanges(layer: PolicyLayer, from: MaybeDocument, to: MaybeDocument): PolicyChange[] {
  const before = rulesById(from);
  const after = rulesById(to);
  const changes: PolicyChange[] = [];
  for (const [rule, was] of before) {
    const is = after.get(rule);
    if (is === undefined) changes.push({ kind: 'rule-removed', layer, rule, before: was });
    else if (digest(was) !== digest(is)) {
      changes.push({ kind: 'rule-changed', layer, rule, before: was, after: is });
    }
  }
  for (const [rule, is] of after) {
    if (!before.has(rule)) changes.push({ kind: 'rule-added', layer, rule, after: is });
  }
  const kept = [...before.keys()].filter((rule) => after.has(rule));
  const keptAfter = [...after.keys()].filter((rule) => before.has(rule));
  if (kept.some((rule, position) => keptAfter[position] !== rule)) {
    changes.push({ kind: 'rules-reordered', layer, before: kept, after: keptAfter });
  }
  return changes;
}

function rulesById(document: MaybeDocument): Map<string, NetworkRule> {
  return new Map((document?.network?.rules ?? []).map((rule) => [rule.id, rule]));
}

function digest(rule: NetworkRule): string {
  return sha256Hex(canonicalBytes(rule));
}
