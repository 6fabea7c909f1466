import { canonicalBytes, sha256Hex } from '@raypher/ledger';
import { type LayeredDocument, POLICY_LAYERS, type PolicyLayer } from './layer.ts';
import {
  type DowngradeRule,
  type PolicyDocument,
  type PolicyException,
  SECTIONS,
  type SectionName,
  type SpendLimit,
} from './schema.ts';
import { RULE_SECTIONS, type SectionRule } from './section.ts';

/** Anything in a document that has an id. */
export type PolicyRule =
  | SectionRule
  | SpendLimit
  | DowngradeRule
  | PolicyException
  | OwnDetector
  | { readonly id: string; readonly provider?: string | undefined; readonly model: string };

type Dlp = NonNullable<PolicyDocument['dlp']>;
type OwnDetector = NonNullable<Dlp['patterns'] | Dlp['dictionaries'] | Dlp['fingerprints']>[number];

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
      readonly kind: 'setting-changed';
      readonly layer: PolicyLayer;
      /** As in `dlp.reversible`. */
      readonly setting: string;
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
  const settings = [settingsOf(from), settingsOf(to)] as const;
  for (const setting of Object.keys(settings[0])) {
    const [before, after] = settings.map((one) => one[setting]);
    if (before !== after) changes.push({ kind: 'setting-changed', layer, setting, before, after });
  }
  return changes;
}

/** What a document says beside its mode, defaults and rules. */
function settingsOf(document: MaybeDocument): Record<string, string | undefined> {
  return {
    timezone: document?.timezone,
    'dlp.on_unscannable': document?.dlp?.on_unscannable,
    'dlp.reversible': document?.dlp?.reversible?.toString(),
    'dlp.identifiers': document?.dlp?.identifiers?.toString(),
    'dlp.published_addresses': document?.dlp?.published_addresses,
  };
}

function defaultOf(document: MaybeDocument, section: SectionName): string | undefined {
  const content = document?.[section];
  return content !== undefined && 'default' in content ? content.default : undefined;
}

function ruleChanges(layer: PolicyLayer, from: MaybeDocument, to: MaybeDocument): PolicyChange[] {
  const [before, after] = [listsOf(from), listsOf(to)];
  return before.flatMap(({ isOrdered, rules }, list) =>
    listChanges(layer, byId(rules), byId(after[list]?.rules ?? []), isOrdered),
  );
}

function listChanges(
  layer: PolicyLayer,
  before: ReadonlyMap<string, PolicyRule>,
  after: ReadonlyMap<string, PolicyRule>,
  isOrdered: boolean,
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
  if (isOrdered && kept.some((rule, position) => keptAfter[position] !== rule)) {
    changes.push({ kind: 'rules-reordered', layer, before: kept, after: keptAfter });
  }
  return changes;
}

function byId(rules: readonly PolicyRule[]): Map<string, PolicyRule> {
  return new Map(rules.map((rule) => [rule.id, rule]));
}

interface RuleList {
  /** Whether another order is another meaning. */
  readonly isOrdered: boolean;
  readonly rules: readonly PolicyRule[];
}

/** Of every document the same lists in the same order. */
function listsOf(document: MaybeDocument): RuleList[] {
  const { dlp, routing, financial, exceptions = [] } = document ?? {};
  const aliases = Object.entries(routing?.aliases ?? {});
  return [
    ...RULE_SECTIONS.map((section) => ({ isOrdered: true, rules: document?.[section]?.rules ?? [] })),
    { isOrdered: false, rules: financial?.limits ?? [] },
    { isOrdered: true, rules: routing?.downgrade ?? [] },
    {
      isOrdered: false,
      rules: aliases.map(([name, target]) => ({ id: `routing/aliases/${name}`, ...target })),
    },
    { isOrdered: false, rules: dlp?.patterns ?? [] },
    { isOrdered: false, rules: dlp?.dictionaries ?? [] },
    { isOrdered: false, rules: dlp?.fingerprints ?? [] },
    { isOrdered: true, rules: exceptions },
  ];
}

function digest(rule: PolicyRule): string {
  return sha256Hex(canonicalBytes(rule));
}
