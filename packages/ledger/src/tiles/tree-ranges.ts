import { perfectSizes, splitPoint } from '../merkle/tree-size.ts';

/** Entries `start` up to but without `end` of a log, where they are a node of its tree. */
export interface TreeRange {
  start: number;
  end: number;
}

/** The nodes of an inclusion proof, the leaf's sibling first (RFC 6962 §2.1.1, PATH). */
export function inclusionRanges(index: number, size: number): TreeRange[] {
  const ranges: TreeRange[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    const inLeft = index < middle;
    ranges.unshift(inLeft ? { start: middle, end } : { start, end: middle });
    [start, end] = inLeft ? [start, middle] : [middle, end];
  }
  return ranges;
}

/** The nodes of a consistency proof between two sizes, 0 < from < to (RFC 6962 §2.1.2, PROOF). */
export function consistencyRanges(from: number, to: number): TreeRange[] {
  const ranges: TreeRange[] = [];
  let [start, end] = [0, to];
  while (end !== from) {
    const middle = start + splitPoint(end - start);
    const inLeft = from <= middle;
    ranges.unshift(inLeft ? { start: middle, end } : { start, end: middle });
    [start, end] = inLeft ? [start, middle] : [middle, end];
  }
  // The older tree itself is what the verifier has; a part of it is not.
  return start === 0 ? ranges : [{ start, end }, ...ranges];
}

/** The perfect subtrees that a range is made of, left to right. */
export function perfectParts({ start, end }: TreeRange): TreeRange[] {
  let at = start;
  return perfectSizes(end - start).map((size) => {
    const part = { start: at, end: at + size };
    at += size;
    return part;
  });
}
