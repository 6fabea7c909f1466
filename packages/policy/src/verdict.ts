import type { PolicyLayer } from './layer.ts';
import type { PolicyMode } from './schema.ts';

/** `DENY > PROMPT > ALLOW`. */
export type Outcome = 'ALLOW' | 'DENY' | 'PROMPT';

/** What one layer, or the product itself, says about an action. */
export interface Opinion {
  readonly outcome: Outcome;
  /** Of the layer that said it: whether its opinions are carried out. */
  readonly mode: PolicyMode;
  readonly layer: PolicyLayer | 'builtin';
  /** A rule id of the document, `network/default`, or `builtin/…`. */
  readonly rule: string;
  readonly reason: string;
  /** With PROMPT: what happens when nobody answers. */
  readonly onTimeout?: 'ALLOW' | 'DENY';
}

/**
 * The answer to an action.
 *
 * Its own fields are what is **recorded**: the most restrictive opinion of all layers, enforced or not.
 * `effective` is what is **carried out**: the most restrictive opinion among layers in enforce mode. They
 * differ when a layer in monitor mode is stricter, and then acting on `outcome` would be wrong in one
 * direction and ignoring the verdict because `enforced` is false in the other. Act on `effective` alone.
 */
export interface Verdict extends Opinion {
  readonly revision: number;
  /** Whether the recorded outcome is the one carried out by a layer in enforce mode. */
  readonly enforced: boolean;
  readonly effective: Opinion;
}

/** What `effective` is when no layer enforces anything. */
const NOTHING_ENFORCED: Opinion = Object.freeze({
  outcome: 'ALLOW',
  mode: 'monitor',
  layer: 'builtin',
  rule: 'builtin/monitor',
  reason: 'Every layer that has an opinion is in monitor mode.',
});

/**
 * How much an opinion restricts. A prompt that lets go when nobody answers is weaker than one that does not.
 */
function strictness(opinion: Opinion): number {
  switch (opinion.outcome) {
    case 'ALLOW':
      return 0;
    case 'PROMPT':
      return opinion.onTimeout === 'ALLOW' ? 1 : 2;
    case 'DENY':
      return 3;
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
  for (const opinion of opinions) {
    if (isStricter(opinion, recorded)) recorded = opinion;
    if (opinion.mode !== 'enforce') continue;
    if (effective === undefined || strictness(opinion) > strictness(effective)) effective = opinion;
  }
  return {
    ...recorded,
    revision,
    enforced: recorded.mode === 'enforce',
    effective: effective ?? NOTHING_ENFORCED,
  };
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
