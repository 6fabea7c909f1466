import type { Finding, FoundHere } from '../finding.ts';

/** A finding with its place among the detectors: smaller is more specific. */
export interface Candidate extends Finding {
  rank: number;
}

/** The rank of rules that users wrote: whoever wrote them meant exactly this. */
export const USER_RULE = -1;

const isSecret = ({ category }: Finding): boolean =>
  category === 'credential' || category === 'unknown-secret';

/**
 * One finding per place: the surer one, then the longer one, then the more specific detector.
 * Where two secrets overlap the survivor covers both, up to `longest`, so that no rest stays behind.
 *
 * @returns in order of `start`, without overlaps
 */
export function resolveOverlaps(candidates: Candidate[], longest: number): Finding[] {
  const users = candidates.filter(({ rank }) => rank === USER_RULE);
  // What is built in is settled first: users' rules are held against what would have been found without them.
  const kept =
    users.length === 0
      ? candidates
      : [
          ...resolve(
            candidates.filter(({ rank }) => rank !== USER_RULE),
            longest,
          ),
          ...users,
        ];
  return resolve(kept, longest).map(({ rank: _, ...finding }) => finding);
}

function resolve(candidates: Candidate[], longest: number): Candidate[] {
  candidates.sort((left, right) => left.start - right.start || right.end - left.end);
  const kept: Candidate[] = [];
  for (const candidate of candidates) {
    const previous = kept.at(-1);
    if (!previous || previous.end <= candidate.start) kept.push(candidate);
    else kept[kept.length - 1] = survivor(previous, candidate, longest);
  }
  return kept;
}

function survivor(first: Candidate, second: Candidate, longest: number): Candidate {
  const better = isBetter(second, first) ? second : first;
  const other = better === first ? second : first;
  const end = Math.max(first.end, second.end);
  const ofUsers = better.rank === USER_RULE || other.rank === USER_RULE;
  // A rule for the first letters of a key must not leave the rest of it behind.
  const covers = ofUsers || (isSecret(better) && isSecret(other) && end - first.start <= longest);
  // A survivor may begin after the finding it replaces, never before: what stands to the left stays valid.
  const place = covers ? { ...better, start: first.start, end } : better;
  if (!ofUsers) return place;
  const also = [...(better.alsoFound ?? []), ...(other.alsoFound ?? []), foundBy(other)].filter(
    ({ detector }, at, all) =>
      detector !== better.detector && all.findIndex((one) => one.detector === detector) === at,
  );
  return also.length === 0 ? place : { ...place, alsoFound: also };
}

function foundBy({ detector, category, severity }: Candidate): FoundHere {
  return { detector, category, severity };
}

function isBetter(left: Candidate, right: Candidate): boolean {
  if (left.confidence !== right.confidence) return left.confidence > right.confidence;
  const difference = left.end - left.start - (right.end - right.start);
  return difference === 0 ? left.rank < right.rank : difference > 0;
}
