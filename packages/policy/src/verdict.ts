import type { PolicyLayer } from './layer.ts';
import type { DataFinding } from './request.ts';
import type { PolicyMode, SectionName } from './schema.ts';

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
 * How much an opinion restricts. A prompt that lets go when nobody answers is weaker than one that does not;
 * of what passes, redacted is stricter than recorded, and that stricter than untouched.
 */
export function strictness(opinion: Opinion): number {
  switch (opinion.outcome) {
    case 'ALLOW':
      return opinion.obligation === undefined ? 0 : OBLIGATIONS[opinion.obligation];
    case 'PROMPT':
      return opinion.onTimeout === 'ALLOW' ? 3 : 4;
    case 'DENY':
      return 5;
  }
}

/**
 * Joins the opinions of the layers. Equally strict ones are attributed to the one that is enforced, then to
 * the first.
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
  const verdict = { ...recorded, revision, enforced, effective: effective ?? NOTHING_ENFORCED };
  return obligations === undefined ? verdict : { ...verdict, obligations };
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
