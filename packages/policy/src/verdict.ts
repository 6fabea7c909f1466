import type { PolicyLayer } from './layer.ts';
import type { DataFinding } from './request.ts';
import type { PolicyMode, SectionName } from './schema.ts';
import { DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS } from './schema-rule-parts.ts';

/** `DENY > PROMPT > ALLOW`. */
export type Outcome = 'ALLOW' | 'DENY' | 'PROMPT';

/** What has to be done about data although it may pass. */
export type Obligation = 'alert' | 'redact';

/** What one section of one layer, or the product itself, says about an action. */
export interface Opinion {
  readonly outcome: Outcome;
  /** Of the layer that said it: whether its opinions are carried out. */
  readonly mode: PolicyMode;
  readonly layer: PolicyLayer | 'builtin';
  /** A rule id of the document, `network/default` and the like, or `builtin/…`. */
  readonly rule: string;
  readonly reason: string;
  /** With PROMPT: what happens when nobody answers. */
  readonly onTimeout?: 'ALLOW' | 'DENY';
  /** With PROMPT: how long to wait for an answer. */
  readonly timeoutSeconds?: number;
  /** With PROMPT: how many different people have to agree. */
  readonly approvers?: 1 | 2;
  /** Absent from what the product itself says. */
  readonly section?: SectionName;
  readonly obligation?: Obligation;
  /** The rule that would have spoken, had `rule` not been an exception from it. */
  readonly exceptionFrom?: string;
}

/**
 * The answer to an action.
 *
 * Its own fields are what is **recorded**: the most restrictive opinion of all layers, enforced or not.
 * `effective` is what is **carried out**: the most restrictive opinion among layers in enforce mode. They
 * differ when a layer in monitor mode is stricter, and then acting on `outcome` would be wrong in one
 * direction and ignoring the verdict because `enforced` is false in the other. Act on `effective` alone, and
 * do what `obligations` says with whatever passes.
 */
export interface Verdict extends Opinion {
  readonly revision: number;
  /** Whether the recorded outcome is the one carried out by a layer in enforce mode. */
  readonly enforced: boolean;
  readonly effective: Opinion;
  /**
   * The host is a name that was not resolved yet, and some rule asks for its address: the same question with
   * it may have another answer.
   */
  readonly provisional?: true;
  /**
   * Of all layers in enforce mode, for data alone; absent when there is none. It holds whatever the outcome
   * is: what a person lets through is still redacted when a layer says so.
   */
  readonly obligations?: readonly Obligation[];
  /** For data: what is decided about each kind of finding; the verdict itself is the strictest of them. */
  readonly findings?: readonly FindingVerdict[];
}

export interface FindingVerdict {
  /** `null`: the data could not be scanned. */
  readonly finding: DataFinding | null;
  readonly verdict: Verdict;
}

/** What `effective` is when no layer enforces anything. */
const NOTHING_ENFORCED: Opinion = Object.freeze({
  outcome: 'ALLOW',
  mode: 'monitor',
  layer: 'builtin',
  rule: 'builtin/monitor',
  reason: 'Every layer that has an opinion is in monitor mode.',
});

const OBLIGATIONS: Record<Obligation, number> = { alert: 1, redact: 2 };

/**
 * How much an opinion restricts, for comparing. A prompt that lets go when nobody answers is weaker than one
 * that does not; then more approvers are stricter than fewer; then how long the question waits, see
 * {@link waiting}. Of what passes, redacted is stricter than recorded, and that stricter than untouched.
 */
export function strictness(opinion: Opinion): number {
  switch (opinion.outcome) {
    case 'ALLOW':
      return opinion.obligation === undefined ? 0 : OBLIGATIONS[opinion.obligation];
    case 'PROMPT':
      return (opinion.onTimeout === 'ALLOW' ? 3 : 4) + (opinion.approvers === 2 ? 0.5 : 0) + waiting(opinion);
    case 'DENY':
      return 5;
  }
}

/**
 * From 0 to less than a half. A question that ends in a denial is stricter when it ends sooner; one that lets go
 * is stricter when it ends later, or a layer below could make an hour for an answer five seconds.
 */
function waiting({ onTimeout, timeoutSeconds = DEFAULT_TIMEOUT_SECONDS }: Opinion): number {
  const share = timeoutSeconds / (2 * (MAX_TIMEOUT_SECONDS + 1));
  return onTimeout === 'ALLOW' ? share : 0.5 - share;
}

/**
 * Joins the opinions of the layers. Equally strict ones are attributed to the one that is enforced, then to
 * the first. How a person is asked is the strictest of all that want one asked, key by key: two approvers that
 * one layer wants remain two when another layer is stricter about the timeout.
 *
 * @param opinions at least one, highest layer first.
 */
export function joinOpinions(opinions: readonly [Opinion, ...Opinion[]], revision: number): Verdict {
  let recorded = opinions[0];
  let effective: Opinion | undefined;
  let obligations: Obligation[] | undefined;
  for (const opinion of opinions) {
    if (isStricter(opinion, recorded)) recorded = opinion;
    if (opinion.mode !== 'enforce') continue;
    if (effective === undefined || strictness(opinion) > strictness(effective)) effective = opinion;
    const { obligation } = opinion;
    if (obligation !== undefined && obligations?.includes(obligation) !== true) {
      obligations = [...(obligations ?? []), obligation];
    }
  }
  const enforced = recorded.mode === 'enforce';
  const asked = withStrictestAsking(recorded, opinions, false);
  const carriedOut =
    effective === undefined ? NOTHING_ENFORCED : withStrictestAsking(effective, opinions, true);
  const verdict = { ...asked, revision, enforced, effective: carriedOut };
  return obligations === undefined ? verdict : { ...verdict, obligations };
}

/** The strictest opinion says what a timeout ends in; others may want more approvers or another wait. */
function withStrictestAsking(
  strictest: Opinion,
  opinions: readonly Opinion[],
  onlyEnforced: boolean,
): Opinion {
  if (strictest.outcome !== 'PROMPT') return strictest;
  let { approvers, timeoutSeconds } = strictest;
  let waits = waiting(strictest);
  for (const opinion of opinions) {
    if (opinion.outcome !== 'PROMPT' || (onlyEnforced && opinion.mode !== 'enforce')) continue;
    if (opinion.approvers === 2) approvers = 2;
    if (opinion.onTimeout !== strictest.onTimeout || waiting(opinion) <= waits) continue;
    timeoutSeconds = opinion.timeoutSeconds;
    waits = waiting(opinion);
  }
  if (approvers === strictest.approvers && timeoutSeconds === strictest.timeoutSeconds) return strictest;
  return { ...strictest, ...(approvers && { approvers }), ...(timeoutSeconds && { timeoutSeconds }) };
}

/** What to do about an effective opinion that nobody was, or could be, asked about. */
export function withoutAnswer(effective: Opinion): 'ALLOW' | 'DENY' {
  if (effective.outcome !== 'PROMPT') return effective.outcome;
  return effective.onTimeout ?? 'DENY';
}

function isStricter(opinion: Opinion, than: Opinion): boolean {
  const difference = strictness(opinion) - strictness(than);
  return difference > 0 || (difference === 0 && opinion.mode === 'enforce' && than.mode === 'monitor');
}
