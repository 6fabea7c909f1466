import type { Entity, EntityType } from '../entity.ts';
import type { WordPiece } from './word-pieces.ts';

/** Labels of common models under the names of Presidio; what is not here keeps its own name. */
const TYPES: Readonly<Record<string, EntityType>> = {
  PER: 'PERSON',
  PERSON: 'PERSON',
  LOC: 'LOCATION',
  GPE: 'LOCATION',
  FAC: 'LOCATION',
  ORG: 'ORGANIZATION',
  DATE: 'DATE_TIME',
  TIME: 'DATE_TIME',
};
/** Nothing of a person, or nothing at all. */
const IGNORED = new Set(['O', 'MISC', '']);

/** What a model says about one piece. */
interface Guess {
  label: string;
  /** Softmax of its logit, 0 to 1. */
  score: number;
}

/**
 * Reads what the model said about each piece as entities. A word has the label of its first piece; words of one type
 * in a row are one entity, in the schemes BIO, IO and BILOU.
 *
 * @param logits row by row, one row per piece, one column per label
 */
export function decodeLabels(
  pieces: readonly WordPiece[],
  logits: ArrayLike<number>,
  labels: readonly string[],
  threshold: number,
): Entity[] {
  const found: (Entity & { scores: number[] })[] = [];
  let open: (typeof found)[number] | undefined;
  for (const [row, piece] of pieces.entries()) {
    if (piece.continues) {
      if (open) open.end = piece.end;
      continue;
    }
    const { label, score } = guess(logits, row * labels.length, labels);
    const [, scheme = '', name = ''] = /^(?:([BIELSU])-)?(.*)$/.exec(label) ?? [];
    if (IGNORED.has(name)) {
      open = undefined;
      continue;
    }
    const type = TYPES[name] ?? name.toUpperCase();
    if (open?.type === type && !['B', 'S', 'U'].includes(scheme)) {
      open.end = piece.end;
      open.scores.push(score);
    } else {
      open = { type, start: piece.start, end: piece.end, score, scores: [score] };
      found.push(open);
    }
  }
  return found
    .map(({ scores, ...entity }) => ({
      ...entity,
      score: scores.reduce((sum, score) => sum + score, 0) / scores.length,
    }))
    .filter(({ score }) => score >= threshold);
}

function guess(logits: ArrayLike<number>, from: number, labels: readonly string[]): Guess {
  let best = 0;
  for (let index = 1; index < labels.length; index++)
    if ((logits[from + index] ?? 0) > (logits[from + best] ?? 0)) best = index;
  const highest = logits[from + best] ?? 0;
  let sum = 0;
  for (let index = 0; index < labels.length; index++) sum += Math.exp((logits[from + index] ?? 0) - highest);
  return { label: labels[best] ?? 'O', score: 1 / sum };
}
