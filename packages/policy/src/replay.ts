import type { PolicySnapshot } from './compile.ts';
import { decide } from './decide.ts';
import type { LayeredDocument } from './layer.ts';
import type { ActionRequest } from './request.ts';
import { type Outcome, strictness, type Verdict } from './verdict.ts';

/** Examples that are kept of each change: enough to look at. */
const MAX_EXAMPLES = 5;

/** A request as it was recorded; `count` of them were the same. */
export interface RecordedRequest {
  readonly request: ActionRequest;
  readonly count?: number;
}

/** Requests that would be decided differently in the same way. */
export interface DecisionChange {
  readonly before: Outcome;
  readonly after: Outcome;
  /** The rules that decided. */
  readonly ruleBefore: string;
  readonly ruleAfter: string;
  readonly direction: 'stricter' | 'milder';
  readonly count: number;
  readonly examples: readonly ActionRequest[];
}

export interface ReplayedDiff {
  readonly requests: number;
  readonly unchanged: number;
  /** Most frequent first. */
  readonly changes: readonly DecisionChange[];
}

/**
 * What a change of policy would have changed: recorded requests are decided by both. Compares what would be
 * carried out; with `wouldBe` set, what would be decided, so that a policy in monitor mode can be looked at as
 * if it were enforced.
 */
export function replayPolicies(
  before: PolicySnapshot,
  after: PolicySnapshot,
  recorded: Iterable<RecordedRequest>,
  options: { readonly wouldBe?: boolean } = {},
): ReplayedDiff {
  const carriedOut = (verdict: Verdict) => (options.wouldBe === true ? verdict : verdict.effective);
  const changes = new Map<string, Omit<DecisionChange, 'count' | 'examples'> & Tally>();
  let [requests, unchanged] = [0, 0];
  for (const { request, count = 1 } of recorded) {
    requests += count;
    const was = carriedOut(decide(before, request));
    const is = carriedOut(decide(after, request));
    if (strictness(was) === strictness(is)) {
      unchanged += count;
      continue;
    }
    const key = JSON.stringify([was.layer, was.rule, was.outcome, is.layer, is.rule, is.outcome]);
    const change = changes.get(key) ?? {
      before: was.outcome,
      after: is.outcome,
      ruleBefore: was.rule,
      ruleAfter: is.rule,
      direction: strictness(is) > strictness(was) ? ('stricter' as const) : ('milder' as const),
      count: 0,
      examples: [],
    };
    change.count += count;
    if (change.examples.length < MAX_EXAMPLES) change.examples.push(request);
    changes.set(key, change);
  }
  return { requests, unchanged, changes: [...changes.values()].toSorted((a, b) => b.count - a.count) };
}

/**
 * A document as far as recorded requests can be decided by it. Balances at the time are not recorded; without
 * them every limit of spending would count as exceeded, and every downgrade as due.
 */
export function replayable({ layer, document }: LayeredDocument): LayeredDocument {
  const { financial: _, routing: __, ...rest } = document;
  return { layer, document: rest };
}

interface Tally {
  count: number;
  readonly examples: ActionRequest[];
}
