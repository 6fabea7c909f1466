import { hasUnitOf, type TextUnits, unitTable } from '../match/text-units.ts';
import type { ContextWords } from './context-words.ts';

/** Whether the word has letters that the keyword search does not know. */
export function isForeignWord(word: string): boolean {
  return /[^\0-\x7f]/.test(word);
}

/** Scripts with words between spaces; shorter ones must not be a part of another word. */
const LETTER = '[\\u0370-\\u05ff]';
const LONG = 5;

/** Context words in other scripts than Latin. */
export class ForeignWords {
  readonly #words: ReadonlyMap<string, number>;
  readonly #pattern: RegExp | undefined;
  /** The units that begin one: in typographic marks, arrows and emoji there is none of them. */
  readonly #first = unitTable();

  /** @param words context word → its index; those in ASCII are left out */
  constructor(words: ReadonlyMap<string, number>) {
    this.#words = new Map([...words].filter(([word]) => isForeignWord(word)));
    for (const word of this.#words.keys())
      for (const first of [word[0] ?? '', (word[0] ?? '').toUpperCase()])
        this.#first[first.charCodeAt(0)] = 1;
    const alternatives = [...this.#words.keys()]
      .sort((left, right) => right.length - left.length)
      .map((word) => (word.length < LONG ? `${word}(?!${LETTER})` : word));
    if (alternatives.length > 0)
      this.#pattern = new RegExp(`(?<!${LETTER})(?:${alternatives.join('|')})`, 'gi');
  }

  /** Adds those that stand in the text. */
  find(text: string, units: TextUnits, context: ContextWords): void {
    if (this.#pattern === undefined || !hasUnitOf(this.#first, units)) return;
    for (const { 0: word, index } of text.matchAll(this.#pattern)) {
      const known = this.#words.get(word.toLowerCase());
      if (known !== undefined) context.add(known, index);
    }
  }
}
