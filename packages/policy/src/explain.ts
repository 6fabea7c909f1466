import type { PolicySnapshot } from './compile.ts';
import type { Fallback, SectionPlan } from './compile-section.ts';
import { decide } from './decide.ts';
import { type CompiledException, withExceptions } from './exception.ts';
import { explainLimits } from './explain-limits.ts';
import { Facts } from './facts.ts';
import { aboutGuess } from './guess.ts';
import type { PolicyLayer } from './layer.ts';
import type { Matcher } from './matcher.ts';
import { placeOf } from './place.ts';
import { type PlaceOpinion, placeOpinion } from './private-address.ts';
import type { ActionRequest } from './request.ts';
import type { PolicyMode, SectionName } from './schema.ts';
import { type Opinion, type Outcome, strictness, type Verdict } from './verdict.ts';

/** Why a verdict came out as it did, layer by layer and rule by rule. */
export interface Explanation {
  readonly verdict: Verdict;
  /** What the rules were compared with; absent when the request's host or path is not one, or it has none. */
  readonly host: string | undefined;
  /** Of data with several findings: the one that is explained, which is the one that decided. */
  readonly finding?: number;
  readonly layers: readonly LayerExplanation[];
  /** Present where the destination is not on the public internet. */
  readonly place?: PlaceOpinion;
}

/** `silent`: nothing there has an opinion on this action, or nothing could be compared. */
export type DecidedBy = 'rule' | 'exception' | 'default' | 'silent';

/** What a layer says: that of its section that restricts most, which is also spelled out in its own fields. */
export interface LayerExplanation {
  readonly layer: PolicyLayer;
  readonly mode: PolicyMode;
  readonly decidedBy: DecidedBy;
  readonly opinion: Opinion | undefined;
  readonly rules: readonly RuleExplanation[];
  readonly sections: readonly SectionExplanation[];
}

export interface SectionExplanation {
  readonly section: SectionName;
  readonly decidedBy: DecidedBy;
  readonly opinion: Opinion | undefined;
  readonly rules: readonly RuleExplanation[];
  /** What would have been milder, had its mismatches been otherwise; the nearest first, at most three. */
  readonly nearestMisses: readonly NearMiss[];
}

export interface RuleExplanation {
  readonly id: string;
  readonly outcome: Outcome;
  /** `not-reached`: an earlier rule had matched. */
  readonly status: 'matched' | 'not-matched' | 'not-reached';
  /** The conditions that did not hold; changing all of them would have made the rule match. */
  readonly mismatches: readonly Mismatch[];
  /** Of a rule that matched: the conditions that held. */
  readonly matches?: readonly Mismatch[];
}

export interface Mismatch {
  /** As the document calls it: `destinations`, `models`, `agents.users`, `when.agent.trust`. */
  readonly matcher: string;
  readonly wanted: readonly string[];
  /** `null`: there is a value but it could not be learnt. `undefined`: there is none. */
  readonly actual: string | readonly string[] | null | undefined;
}

export interface NearMiss {
  readonly kind: 'rule' | 'exception';
  readonly id: string;
  readonly outcome: Outcome;
  readonly mismatches: readonly Mismatch[];
}

const MAX_NEAR_MISSES = 3;

/**
 * The same decision as {@link decide}, made by trying every rule in turn, with the reasons kept. For people,
 * not for the hot path.
 */
export function explain(snapshot: PolicySnapshot, request: ActionRequest): Explanation {
  const verdict = decide(snapshot, request);
  const found = placeOf(request);
  const facts = found.ok ? new Facts(request, found.place) : undefined;
  const finding = decidingFinding(request, verdict);
  if (finding !== undefined) facts?.select(finding);
  const layers = snapshot.layers.map(({ layer, mode, sections, financial }): LayerExplanation => {
    const explained =
      facts === undefined
        ? []
        : sections
            .map(({ plans }) => plans.get(request.action))
            .filter((plan) => plan !== undefined)
            .map((plan) => explainSection(isUnscannable(request) ? (plan.unscannable ?? plan) : plan, facts));
    if (facts !== undefined && financial !== undefined && request.action === 'model.call') {
      explained.push(...explainLimits(layer, financial, facts));
    }
    const [strictest] = explained
      .filter(({ opinion }) => opinion !== undefined)
      .toSorted((a, b) => rank(b.opinion) - rank(a.opinion));
    const { decidedBy, opinion, rules } = strictest ?? SILENT;
    return { layer, mode, decidedBy, opinion, rules, sections: explained };
  });
  const host = found.ok ? found.place : undefined;
  const place = facts && snapshot.layers.length > 0 ? placeOpinion(snapshot, facts) : undefined;
  return { verdict, host, ...(finding === undefined ? {} : { finding }), layers, ...(place && { place }) };
}

const SILENT = { decidedBy: 'silent', opinion: undefined, rules: [] } as const;

function rank(opinion: Opinion | undefined): number {
  return opinion === undefined ? -1 : strictness(opinion);
}

function isUnscannable(request: ActionRequest): boolean {
  return 'findings' in request && request.findings === null;
}

function decidingFinding(request: ActionRequest, verdict: Verdict): number | undefined {
  if (!('findings' in request) || !request.findings || verdict.findings === undefined) return undefined;
  const [deciding] = verdict.findings.toSorted((a, b) => strictness(b.verdict) - strictness(a.verdict));
  const finding = deciding?.finding ?? undefined;
  return finding === undefined ? undefined : request.findings.indexOf(finding);
}

function explainSection(plan: SectionPlan, facts: Facts): SectionExplanation {
  const { section, fallback } = plan;
  let matched: SectionPlan['rules'][number] | undefined;
  const rules = plan.rules.map((rule): RuleExplanation => {
    const { id, opinion } = rule;
    if (matched !== undefined) return { id, outcome: opinion.outcome, status: 'not-reached', mismatches: [] };
    const mismatches = mismatchesOf(rule.matchers, facts, rule.matchesUnreadable);
    if (mismatches.length > 0) return { id, outcome: opinion.outcome, status: 'not-matched', mismatches };
    matched = rule;
    return {
      id,
      outcome: opinion.outcome,
      status: 'matched',
      mismatches,
      matches: rule.matchers.map(held(facts)),
    };
  });
  const isNothing = section === 'dlp' && facts.request.findings?.length === 0;
  const said: Fallback | undefined = matched ?? (isNothing ? undefined : fallback);
  if (said === undefined) return { section, ...SILENT, rules, nearestMisses: [] };
  const excepted = withExceptions(said, facts);
  const isExcepted = excepted !== said.opinion;
  const opinion = section === 'dlp' ? aboutGuess(excepted, matched, facts.finding) : excepted;
  return {
    section,
    decidedBy: isExcepted ? 'exception' : matched === undefined ? 'default' : 'rule',
    opinion,
    rules,
    nearestMisses: nearestMisses(rules, said.exceptions, opinion, facts),
  };
}

function nearestMisses(
  rules: readonly RuleExplanation[],
  exceptions: readonly CompiledException[],
  said: Opinion,
  facts: Facts,
): NearMiss[] {
  const isMilder = (outcome: Outcome) => OUTCOME_RANK[outcome] < OUTCOME_RANK[said.outcome];
  const missedExceptions = exceptions
    .filter(({ opinion }) => isMilder(opinion.outcome))
    .map(({ id, opinion, matchers, expires }): NearMiss => {
      const end = new Date(expires).toISOString();
      const ended: Mismatch[] =
        facts.at < expires
          ? []
          : [{ matcher: 'expires', wanted: [`before ${end}`], actual: new Date(facts.at).toISOString() }];
      const mismatches = [...ended, ...mismatchesOf(matchers, facts, false)];
      return { kind: 'exception', id, outcome: opinion.outcome, mismatches };
    });
  const missedRules = rules
    .filter(({ status, outcome }) => status === 'not-matched' && isMilder(outcome))
    .map(({ id, outcome, mismatches }): NearMiss => ({ kind: 'rule', id, outcome, mismatches }));
  return [...missedExceptions, ...missedRules]
    .filter(({ mismatches }) => mismatches.length > 0)
    .toSorted((a, b) => a.mismatches.length - b.mismatches.length)
    .slice(0, MAX_NEAR_MISSES);
}

const OUTCOME_RANK: Record<Outcome, number> = { ALLOW: 0, PROMPT: 1, DENY: 2 };

function mismatchesOf(matchers: readonly Matcher[], facts: Facts, matchesUnreadable: boolean): Mismatch[] {
  const mismatches: Mismatch[] = [];
  for (const matcher of matchers) {
    const result = matcher.test(facts);
    if (result === 'yes' || (result === 'unreadable' && matchesUnreadable)) continue;
    mismatches.push(held(facts)(matcher));
  }
  return mismatches;
}

function held(facts: Facts): (matcher: Matcher) => Mismatch {
  return (matcher) => ({ matcher: matcher.name, wanted: matcher.wanted, actual: matcher.actual(facts) });
}
