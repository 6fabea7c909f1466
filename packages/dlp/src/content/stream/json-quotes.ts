import type { Edit } from '../edit.ts';
import { escapeJsonString } from '../json/json-string.ts';

/**
 * Makes edits of a JSON document that arrives in pieces such that it stays one: quotes are never taken away, and what
 * replaces a number gets quotes of its own.
 */
export class JsonQuotes {
  /** Whether the place where the kept text begins is inside of a string. */
  #insideAtBase = false;

  /** @param base offset of `raw`, in the units of the edits */
  edits(raw: string, base: number, edits: readonly Edit[]): Edit[] {
    return edits.flatMap((edit) => this.#within(raw, base, edit));
  }

  /** The text before `cut` will not be seen again. */
  forget(raw: string, base: number, cut: number): void {
    if (quotes(raw, cut - base).length % 2 === 1) this.#insideAtBase = !this.#insideAtBase;
  }

  #within(raw: string, base: number, { start, end, text }: Edit): Edit[] {
    const cuts = quotes(raw, end - base);
    let inside = this.#insideAtBase;
    const pieces: Edit[] = [];
    let at = 0;
    for (const cut of [...cuts, end - base]) {
      const from = Math.max(at, start - base);
      if (from < cut) {
        const piece = { start: base + from, end: base + cut };
        if (inside) pieces.push({ ...piece, text: pieces.length === 0 ? escapeJsonString(text) : '' });
        else pieces.push(...outside(raw.slice(from, cut), piece.start, text));
      }
      inside = !inside;
      at = cut + 1;
    }
    return pieces;
  }
}

/** Numbers between strings; everything else there is structure. */
function outside(raw: string, start: number, text: string): Edit[] {
  return [...raw.matchAll(/[0-9][0-9.eE+-]*/g)].map((number) => ({
    start: start + number.index,
    end: start + number.index + number[0].length,
    text: `"${escapeJsonString(text)}"`,
  }));
}

/** Places of the quotes that begin and end strings, up to `end`. */
function quotes(raw: string, end: number): number[] {
  const found: number[] = [];
  for (let at = 0; at < end; at++) {
    if (raw[at] === '\\') at++;
    else if (raw[at] === '"') found.push(at);
  }
  return found;
}
