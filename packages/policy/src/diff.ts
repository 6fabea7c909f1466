import { canonicalBytes, sha256Hex } from '@raypher/ledger';
import { type LayeredDocument, POLICY_LAYERS, type PolicyLayer } from './layer.ts';
import {
  type PolicyDocument,
  type PolicyException,
  SECTIONS,
  type SectionName,
  type SpendLimit,
} from './schema.ts';
import type { SectionRule } from './section.ts';

/** Anything in a document that has an id and an effect. */
export type PolicyRule = SectionRule | SpendLimit | PolicyException;

/** One difference between two policies, in the terms of their documents. */
export type PolicyChange =
  | { readonly kind: 'layer-added' | 'layer-removed'; readonly layer: PolicyLayer }
  | {
      readonly kind: 'mode-changed' | 'default-changed';
      readonly layer: PolicyLayer;
      /** Whose default it is; absent for the mode. */
      readonly section?: SectionName;
      /** `undefined` where the section does not exist. */
      readonly before: string | undefined;
      readonly after: string | undefined;
    }
  | {
      readonly kind: 'rule-added';
      readonly layer: PolicyLayer;
      readonly rule: string;
      readonly after: PolicyRule;
    }
  | {
      readonly kind: 'rule-removed';
      readonly layer: PolicyLayer;
      readonly rule: string;
      readonly before: PolicyRule;
    }
  | {
      readonly kind: 'rule-changed';
      readonly layer: PolicyLayer;
      readonly rule: string;
      readonly before: PolicyRule;
      readonly after: PolicyRule;
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
  for (const section of SECTIONS) {
    const [before, after] = [defaultOf(from, section), defaultOf(to, section)];
    if (before !== after) changes.push({ kind: 'default-changed', layer, section, before, after });
  }
  return changes;
}

function defaultOf(document: MaybeDocument, section: SectionName): string | undefined {
  const content = document?.[section];
  return content !== undefined && 'default' in content ? content.default : undefined;
}

function ruleChanges(layer: PolicyLayer, from: MaybeDocument, to: MaybeDocument): PolicyChange[] {
  return [...SECTIONS, 'exceptions' as const].flatMap((list) =>
    listChanges(layer, rulesById(from, list), rulesById(to, list)),
  );
}

function listChanges(
  layer: PolicyLayer,
  before: ReadonlyMap<string, PolicyRule>,
  after: ReadonlyMap<string, PolicyRule>,
): PolicyChange[] {
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

function rulesById(document: MaybeDocument, list: SectionName | 'exceptions'): Map<string, PolicyRule> {
  return new Map(rulesOf(document, list).map((rule) => [rule.id, rule]));
}

function rulesOf(document: MaybeDocument, list: SectionName | 'exceptions'): readonly PolicyRule[] {
  if (list === 'exceptions') return document?.exceptions ?? [];
  if (list === 'financial') return document?.financial?.limits ?? [];
  return document?.[list]?.rules ?? [];
}

function digest(rule: PolicyRule): string {
  return sha256Hex(canonicalBytes(rule));
}
