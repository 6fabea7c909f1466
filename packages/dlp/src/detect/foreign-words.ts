import type { ContextWords } from './context-words.ts';

/** Whether the word has letters that the keyword search does not know. */
export function isForeignWord(word: string): boolean {
  return /[^\0-\x7f]/.test(word);
}

/** Bits of the units of Greek, Cyrillic, Hebrew, Thai and of the scripts of East Asia; typographic marks have none of them. */
const SCRIPTS = 0xce00;
/** Scripts with words between spaces; shorter ones must not be a part of another word. */
const LETTER = '[\\u0370-\\u05ff]';
const LONG = 5;

/** Context words in other scripts than Latin. */
export class ForeignWords {
  readonly #words: ReadonlyMap<string, number>;
  readonly #pattern: RegExp | undefined;

  /** @param words context word → its index; those in ASCII are left out */
  constructor(words: ReadonlyMap<string, number>) {
    this.#words = new Map([...words].filter(([word]) => isForeignWord(word)));
    const alternatives = [...this.#words.keys()]
      .sort((left, right) => right.length - left.length)
      .map((word) => (word.length < LONG ? `${word}(?!${LETTER})` : word));
    if (alternatives.length > 0)
      this.#pattern = new RegExp(`(?<!${LETTER})(?:${alternatives.join('|')})`, 'gi');
  }

  /** Adds those that stand in the text. @param bits that any unit of the text has */
  find(text: string, bits: number, context: ContextWords): void {
    if (this.#pattern === undefined || (bits & SCRIPTS) === 0) return;
    for (const { 0: word, index } of text.matchAll(this.#pattern)) {
      const known = this.#words.get(word.toLowerCase());
      if (known !== undefined) context.add(known, index);
    }
  }
}
