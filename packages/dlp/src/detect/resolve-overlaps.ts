import type { Finding } from '../finding.ts';

/** A finding with its place among the detectors: smaller is more specific. */
export interface Candidate extends Finding {
  rank: number;
}

const isSecret = ({ category }: Finding): boolean =>
  category === 'credential' || category === 'unknown-secret';

/**
 * One finding per place: the surer one, then the longer one, then the more specific detector.
 * Where two secrets overlap the survivor covers both, up to `longest`, so that no rest stays behind.
 *
 * @returns in order of `start`, without overlaps
 */
export function resolveOverlaps(candidates: Candidate[], longest: number): Finding[] {
  candidates.sort((left, right) => left.start - right.start || right.end - left.end);
  const kept: Candidate[] = [];
  for (const candidate of candidates) {
    const previous = kept.at(-1);
    if (!previous || previous.end <= candidate.start) kept.push(candidate);
    else kept[kept.length - 1] = survivor(previous, candidate, longest);
  }
  return kept.map(({ rank: _, ...finding }) => finding);
}

function survivor(first: Candidate, second: Candidate, longest: number): Candidate {
  const better = isBetter(second, first) ? second : first;
  const other = better === first ? second : first;
  const end = Math.max(first.end, second.end);
  const covers = isSecret(better) && isSecret(other) && end - first.start <= longest;
  // A survivor may begin after the finding it replaces, never before: what stands to the left stays valid.
  return covers ? { ...better, start: first.start, end } : better;
}

function isBetter(left: Candidate, right: Candidate): boolean {
  if (left.confidence !== right.confidence) return left.confidence > right.confidence;
  const difference = left.end - left.start - (right.end - right.start);
  return difference === 0 ? left.rank < right.rank : difference > 0;
}
