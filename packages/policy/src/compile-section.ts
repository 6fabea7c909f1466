import { withOwnDetectors } from './dlp-settings.ts';
import type { CompiledException } from './exception.ts';
import { isAboutFindings, namesFindings } from './guess.ts';
import type { PolicyLayer } from './layer.ts';
import { compileMatchers, type Matchable, type Matcher } from './matcher.ts';
import { type NamedPlaces, namedPlaces } from './named-place.ts';
import type { Action } from './request.ts';
import { buildRuleIndex, type RuleIndex } from './rule-index.ts';
import type { PolicyDocument, PolicyMode } from './schema.ts';
import { DEFAULT_TIMEOUT_SECONDS } from './schema-rule-parts.ts';
import { actionsOf, RULE_SECTIONS, type RuleSection, SECTION_ACTIONS, type SectionRule } from './section.ts';
import type { Opinion } from './verdict.ts';

export interface CompiledRule {
  readonly id: string;
  readonly actions: ReadonlySet<Action>;
  readonly matchers: readonly Matcher[];
  /** Whether the rule also matches facts that could not be learnt: those that restrict do. */
  readonly matchesUnreadable: boolean;
  readonly names: NamedPlaces;
  /** Of DLP: whether it says by name what it is for. */
  readonly namesFindings: boolean;
  readonly opinion: Opinion;
  /** In the order of the document; the first that matches speaks instead of the rule. */
  readonly exceptions: readonly CompiledException[];
}

/** When no rule matches. */
export interface Fallback {
  readonly opinion: Opinion;
  readonly exceptions: readonly CompiledException[];
}

/** A section of a layer, ready to decide one action. */
export interface SectionPlan {
  readonly section: RuleSection;
  readonly rules: readonly CompiledRule[];
  readonly index: RuleIndex;
  /** Absent: the section has no opinion where no rule matches. */
  readonly fallback: Fallback | undefined;
  /**
   * Of DLP: what decides about data that could not be scanned. Rules about what was found are not in it: that they
   * might have matched is no reason to redact nothing and let the rest pass.
   */
  readonly unscannable?: SectionPlan;
}

export interface CompiledSection {
  readonly section: RuleSection;
  readonly rules: readonly CompiledRule[];
  readonly fallback: Fallback | undefined;
  readonly plans: ReadonlyMap<Action, SectionPlan>;
}

export interface LayerContext {
  readonly layer: PolicyLayer;
  readonly mode: PolicyMode;
  readonly timezone: string;
  /** By the rule that they are exceptions from. */
  readonly exceptions: ReadonlyMap<string, readonly CompiledException[]>;
}

const EFFECTS = {
  allow: { outcome: 'ALLOW' },
  alert: { outcome: 'ALLOW', obligation: 'alert' },
  redact: { outcome: 'ALLOW', obligation: 'redact' },
  prompt: { outcome: 'PROMPT' },
  deny: { outcome: 'DENY' },
  block: { outcome: 'DENY' },
} as const satisfies Record<string, Pick<Opinion, 'outcome' | 'obligation'>>;
export type Effect = keyof typeof EFFECTS;

/** How a rule asks, as its document says it. */
export interface Asking {
  readonly on_timeout?: 'allow' | 'deny' | undefined;
  readonly timeout_seconds?: number | undefined;
  readonly approvers?: 1 | 2 | undefined;
}

/** What an effect of a document comes down to. */
export function consequence(effect: Effect, asking: Asking) {
  if (effect !== 'prompt') return EFFECTS[effect];
  const { on_timeout, timeout_seconds = DEFAULT_TIMEOUT_SECONDS, approvers = 1 } = asking;
  const onTimeout = on_timeout === 'allow' ? 'ALLOW' : 'DENY';
  return { outcome: 'PROMPT', onTimeout, timeoutSeconds: timeout_seconds, approvers } as const;
}

/**
 * @throws TypeError for documents that did not come from `parsePolicy`: repeated ids, unreadable patterns.
 */
export function compileSections(document: PolicyDocument, context: LayerContext): CompiledSection[] {
  const ids = new Set<string>();
  return RULE_SECTIONS.flatMap((section) => {
    const content = document[section];
    if (content === undefined) return [];
    const rules = content.rules.map((rule: SectionRule): CompiledRule => {
      if (ids.has(rule.id)) {
        throw new TypeError(`rule id "${rule.id}" is used more than once in layer "${context.layer}"`);
      }
      ids.add(rule.id);
      return compileRule(section, matchableOf(rule, document, context), rule, context);
    });
    const fallbackOf = (key: 'default' | 'on_unscannable', effect: Effect | undefined) =>
      effect && compileFallback(section, key, effect, context);
    const fallback = fallbackOf('default', 'default' in content ? content.default : undefined);
    const unscannable = fallbackOf(
      'on_unscannable',
      'on_unscannable' in content ? content.on_unscannable : undefined,
    );
    return [toSection(section, rules, fallback, unscannable)];
  });
}

/** In DLP a document calls its own detectors by their short names. */
function matchableOf(rule: SectionRule, document: PolicyDocument, { layer }: LayerContext): Matchable {
  // Every shape of a rule is matchable: the schema gives each section its subset of the keys.
  if (!('detectors' in rule)) return rule;
  const matchable = { ...rule, detectors: withOwnDetectors({ layer, document }, rule.detectors) };
  return matchable;
}

function toSection(
  section: RuleSection,
  rules: readonly CompiledRule[],
  fallback: Fallback | undefined,
  unscannable: Fallback | undefined,
): CompiledSection {
  const complete = (own: readonly CompiledRule[]): SectionPlan => {
    const plan = planOf(section, own, fallback);
    if (unscannable === undefined) return plan;
    const others = own.filter(({ matchers }) => !matchers.some(isAboutFindings));
    return Object.freeze({ ...plan, unscannable: planOf(section, others, unscannable) });
  };
  // Most rules are for all actions of their section: then one index serves them all.
  const shared = complete(rules);
  const plans = new Map<Action, SectionPlan>();
  for (const action of SECTION_ACTIONS[section]) {
    const own = rules.filter(({ actions }) => actions.has(action));
    plans.set(action, own.length === rules.length ? shared : complete(own));
  }
  return Object.freeze({ section, rules: Object.freeze(rules), fallback, plans });
}

function planOf(
  section: RuleSection,
  rules: readonly CompiledRule[],
  fallback: Fallback | undefined,
): SectionPlan {
  return Object.freeze({ section, rules: Object.freeze(rules), index: buildRuleIndex(rules), fallback });
}

function compileRule(
  section: RuleSection,
  matchable: Matchable,
  rule: SectionRule,
  context: LayerContext,
): CompiledRule {
  const { layer, mode, timezone, exceptions } = context;
  const opinion: Opinion = Object.freeze({
    ...consequence(rule.effect, rule),
    mode,
    layer,
    rule: rule.id,
    reason: rule.reason ?? `Rule ${rule.id} of the ${layer} layer says ${rule.effect}.`,
    section,
  });
  const matchers = compileMatchers(matchable, timezone);
  return Object.freeze({
    id: rule.id,
    actions: new Set(actionsOf(section, rule)),
    matchers,
    matchesUnreadable: rule.effect !== 'allow',
    names: namedPlaces(matchable),
    namesFindings: namesFindings(matchers),
    opinion,
    exceptions: exceptions.get(rule.id) ?? NONE,
  });
}

const NONE: readonly CompiledException[] = Object.freeze([]);

function compileFallback(
  section: RuleSection,
  key: 'default' | 'on_unscannable',
  effect: Effect,
  context: LayerContext,
): Fallback {
  const { layer, mode, exceptions } = context;
  const rule = `${section}/${key}`;
  const what =
    key === 'default'
      ? `No ${section.replace('_', ' ')} rule matched; the default of the ${layer} layer is ${effect}.`
      : `This data could not be scanned; for such data the ${layer} layer says ${effect}.`;
  return Object.freeze({
    opinion: Object.freeze({
      ...consequence(effect, {}),
      mode,
      layer,
      rule,
      reason: what,
      section,
    }),
    exceptions: exceptions.get(rule) ?? NONE,
  });
}
