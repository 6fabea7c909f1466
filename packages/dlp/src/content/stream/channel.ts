import type { Edit } from '../edit.ts';
import { cutEscape, decodeJsonString, jsonStringOffsets } from '../json/json-string.ts';
import type { Place } from '../part.ts';
import type { ChannelMode } from './deltas.ts';
import type { Finder } from './finder.ts';
import type { Frame, Slice } from './frame.ts';
import { JsonQuotes } from './json-quotes.ts';

/** One text that arrives in pieces: what was settled, what is open, and which frame carries which piece. */
export class Channel {
  readonly #finder: Finder;
  readonly #mode: ChannelMode;
  readonly #place: Place;
  /** The open end and as much before it as matches may depend on, as it came (in JSON: with escapes). */
  #raw = '';
  /** Where `#raw` begins and up to where the text is settled, in units since the channel began. */
  #base = 0;
  #settled = 0;
  readonly #slices: Slice[] = [];
  readonly #quotes = new JsonQuotes();

  constructor(finder: Finder, mode: ChannelMode, place: Place) {
    this.#finder = finder;
    this.#mode = mode;
    this.#place = place;
  }

  /** Takes the next piece. @param toFrame how an edit of the piece is made in the frame */
  add(text: string, frame: Frame, toFrame: Slice['toFrame']): void {
    const start = this.#base + this.#raw.length;
    this.#raw += text;
    this.#slices.push({ frame, start, end: start + text.length, toFrame });
    frame.open++;
  }

  /** Settles what can be settled. @param ended nothing will follow: all of it */
  settle(ended: boolean): void {
    const json = this.#mode === 'json';
    const raw = json && !ended ? this.#raw.slice(0, this.#raw.length - cutEscape(this.#raw)) : this.#raw;
    const text = json ? decodeJsonString(raw) : raw;
    const offsets = json ? jsonStringOffsets(raw) : (offset: number) => offset;
    let open = ended
      ? text.length
      : Math.max(this.#finder.openFrom(text), text.length - this.#finder.longest);
    if (this.#base + offsets(open) <= this.#settled && !(ended && this.#slices.length > 0)) return;

    const edits: Edit[] = [];
    for (const { start, end, accept } of this.#finder.find(text)) {
      const from = this.#base + offsets(start);
      const to = this.#base + offsets(end);
      if (to <= this.#settled) continue;
      if (start >= open) break;
      if (!ended && end > open && text.length - start <= this.#finder.longest) {
        open = start;
        break;
      }
      open = Math.max(open, end);
      const partial = from < this.#settled;
      const replacement = accept(text.slice(start, end), partial ? { ...this.#place, partial } : this.#place);
      if (replacement !== undefined)
        edits.push({ start: Math.max(from, this.#settled), end: to, text: replacement });
    }
    const settled = Math.max(this.#settled, this.#base + offsets(open));
    this.#write(edits);
    this.#settled = settled;
    this.#release();
    this.#forget(text, offsets, open);
  }

  #write(edits: readonly Edit[]): void {
    const written = this.#mode === 'json' ? this.#quotes.edits(this.#raw, this.#base, edits) : edits;
    for (const edit of written) {
      let text = edit.text;
      for (const slice of this.#slices) {
        const start = Math.max(edit.start, slice.start);
        const end = Math.min(edit.end, slice.end);
        if (start >= end) continue;
        slice.frame.edits.push(
          ...slice.toFrame({ start: start - slice.start, end: end - slice.start, text }),
        );
        // The first piece carries the replacement, the others lose what they had of it.
        text = '';
      }
    }
  }

  #release(): void {
    let released = 0;
    for (const slice of this.#slices) {
      if (slice.end > this.#settled) break;
      slice.frame.open--;
      released++;
    }
    this.#slices.splice(0, released);
  }

  /** Keeps the context only; cuts between words, so that none is seen without its beginning. */
  #forget(text: string, offsets: (offset: number) => number, open: number): void {
    let keep = open - this.#finder.context;
    if (keep < this.#finder.context) return;
    const space = /\s/.exec(text.slice(keep, open));
    if (space !== null) keep += space.index;
    const cut = offsets(keep);
    this.#quotes.forget(this.#raw, this.#base, this.#base + cut);
    this.#raw = this.#raw.slice(cut);
    this.#base += cut;
  }
}
