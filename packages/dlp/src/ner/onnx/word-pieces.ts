/** A piece of a text as a model of the BERT family reads it. */
export interface WordPiece {
  /** Index in the vocabulary. */
  id: number;
  /** UTF-16 offsets into the text, half open. */
  start: number;
  end: number;
  /** Goes on with the word of the piece before it. */
  continues: boolean;
}

export interface WordPieceOptions {
  /** Lines of `vocab.txt`, in their order. */
  vocabulary: readonly string[];
  /** `do_lower_case` of the model: letters without case and accents. */
  lowerCase: boolean;
}

/** A longer word is unknown as a whole, as in the reference implementation. */
const LONGEST_WORD = 100;
const PUNCTUATION = /[\p{P}\p{S}]/u;
const SPACE = /[\s\p{Zs}]/u;
/** Shows nothing: left out. */
const CONTROL = /[\p{Cc}\p{Cf}\uFFFD]/u;
/** Ideographs stand for themselves. */
const IDEOGRAPH = /[\p{Script=Han}]/u;

interface Word {
  /** Normalised characters, and where in the text each came from. */
  characters: { text: string; start: number; end: number }[];
}

/** Cuts texts into the pieces of a vocabulary: the tokenizer of BERT (Devlin et al., 2018), with places. */
export class WordPieces {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #lowerCase: boolean;
  readonly #longest: number;
  readonly unknown: number;
  readonly first: number;
  readonly last: number;

  /** @throws TypeError when the vocabulary lacks what every such model needs */
  constructor({ vocabulary, lowerCase }: WordPieceOptions) {
    this.#ids = new Map(vocabulary.map((piece, id) => [piece, id]));
    this.#lowerCase = lowerCase;
    this.#longest = vocabulary.reduce((most, piece) => Math.max(most, piece.length), 0);
    const special = (piece: string): number => {
      const id = this.#ids.get(piece);
      if (id === undefined)
        throw new TypeError(`The vocabulary has no ${piece}: it is not one of WordPiece.`);
      return id;
    };
    this.unknown = special('[UNK]');
    this.first = special('[CLS]');
    this.last = special('[SEP]');
  }

  /** Linear in the text: words are bounded, and what is longer is one unknown piece. */
  cut(text: string): WordPiece[] {
    return this.#words(text).flatMap((word) => this.#piecesOf(word));
  }

  #words(text: string): Word[] {
    const words: Word[] = [];
    let open: Word | undefined;
    let at = 0;
    for (const character of text) {
      const start = at;
      at += character.length;
      if (SPACE.test(character)) open = undefined;
      else if (CONTROL.test(character)) continue;
      else {
        const alone = PUNCTUATION.test(character) || IDEOGRAPH.test(character);
        if (!open || alone) {
          open = { characters: [] };
          words.push(open);
        }
        for (const piece of this.#normalise(character)) open.characters.push({ text: piece, start, end: at });
        if (alone) open = undefined;
      }
    }
    return words;
  }

  #normalise(character: string): string {
    return this.#lowerCase
      ? character
          .toLowerCase()
          .normalize('NFD')
          .replace(/\p{Mn}/gu, '')
      : character;
  }

  #piecesOf({ characters }: Word): WordPiece[] {
    const [head] = characters;
    const tail = characters.at(-1);
    if (!head || !tail) return [];
    const whole = { id: this.unknown, start: head.start, end: tail.end, continues: false };
    if (characters.length > LONGEST_WORD) return [whole];
    const pieces: WordPiece[] = [];
    for (let from = 0; from < characters.length; ) {
      let to = Math.min(characters.length, from + this.#longest);
      let id: number | undefined;
      for (; to > from; to--) {
        const piece = characters.slice(from, to).map(({ text }) => text);
        id = this.#ids.get(`${from > 0 ? '##' : ''}${piece.join('')}`);
        if (id !== undefined) break;
      }
      const [begin, end] = [characters[from], characters[to - 1]];
      if (id === undefined || !begin || !end) return [whole];
      pieces.push({ id, start: begin.start, end: end.end, continues: from > 0 });
      from = to;
    }
    return pieces;
  }
}
