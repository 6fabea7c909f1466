import { type Verdict, withoutAnswer } from '@raypher/policy';

/**
 * The strictest of several decisions about one thing, the first of equally strict ones: what is carried out
 * counts before what is recorded.
 *
 * @throws RangeError when there is none
 */
export function strictest<Decision extends { readonly verdict: Verdict }>(
  decisions: readonly Decision[],
): Decision {
  const [first, ...others] = decisions;
  if (first === undefined) throw new RangeError('there is nothing to choose from');
  return others.reduce(
    (worst, next) => (severity(next.verdict) > severity(worst.verdict) ? next : worst),
    first,
  );
}

function severity({ effective, outcome }: Verdict): number {
  const carriedOut =
    effective.outcome === 'DENY' ? 3 : withoutAnswer(effective) === 'DENY' ? 2 : OPEN[effective.outcome];
  return carriedOut * 4 + (outcome === 'DENY' ? 2 : OPEN[outcome]);
}

const OPEN = { ALLOW: 0, PROMPT: 1, DENY: 3 } as const;
