/** Puts `text` in the place of the units `start` (included) to `end` (excluded). */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** Orders edits and joins those that overlap: all that any of them covers goes, the longest one names it. */
export function mergeEdits(edits: readonly Edit[]): Edit[] {
  const merged: Edit[] = [];
  let covered = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (last === undefined || edit.start >= last.end) {
      merged.push({ ...edit });
      covered = edit.end - edit.start;
      continue;
    }
    if (edit.end - edit.start > covered) {
      last.text = edit.text;
      covered = edit.end - edit.start;
    }
    last.end = Math.max(last.end, edit.end);
  }
  return merged;
}

/** @returns the text with all edits made; everything outside of them is as it was */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  if (edits.length === 0) return text;
  let written = '';
  let at = 0;
  for (const edit of mergeEdits(edits)) {
    written += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return written + text.slice(at);
}
