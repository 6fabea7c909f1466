import { createHash } from 'node:crypto';

/** What every placeholder has in it: nothing else has to be looked for in a text without this word. */
export const PLACEHOLDER_WORD = 'raypher';
const CHECK_DIGITS = 8;
/** What services write in front of their keys (`ghp_`, `sk-proj-`, `github_pat_`), for clients that look for it. */
const PREFIX = '(?:[A-Za-z0-9][A-Za-z0-9_-]{0,30}[_-])?';

/**
 * The form for clients that want a key to look like one: no colon, and the prefix of the service may stand before it.
 * Its last digits are worked out from the name, so that no text has it by accident. Nothing about it is secret.
 *
 * @example keyLikePlaceholder('github') // 'raypher_github_' and eight hexadecimal digits
 */
export function keyLikePlaceholder(name: string): string {
  const digest = createHash('sha256').update(`raypher placeholder ${name}`).digest('hex');
  return `${PLACEHOLDER_WORD}_${name}_${digest.slice(0, CHECK_DIGITS)}`;
}

/** Finds the placeholders of certain values, in either of their forms. */
export class SecretPlaceholders {
  readonly #anywhere: RegExp;
  readonly #whole: RegExp;
  readonly #keyLike: ReadonlyMap<string, string>;

  /** @param names at least one */
  constructor(names: readonly string[]) {
    this.#keyLike = new Map(names.map((name) => [keyLikePlaceholder(name), name]));
    // The longest first: of two names of which one begins like the other, what is written is meant.
    const plain = names
      .toSorted((one, other) => other.length - one.length)
      .map(escaped)
      .join('|');
    const keyLike = [...this.#keyLike.keys()].map(escaped).join('|');
    // A sentence may end after a name.
    const end = '(?![A-Za-z0-9_-]|\\.[A-Za-z0-9_-])';
    this.#anywhere = new RegExp(
      `${PLACEHOLDER_WORD}:(?<plain>${plain})${end}|(?<keyLike>${keyLike})(?![0-9a-f])`,
      'g',
    );
    this.#whole = new RegExp(`^(?:${PLACEHOLDER_WORD}:(?<plain>${plain})|${PREFIX}(?<keyLike>${keyLike}))$`);
  }

  /** Whose placeholder this text is, all of it. */
  nameOf(text: string): string | undefined {
    return this.#read(this.#whole.exec(text));
  }

  /** Whose placeholders stand in a text, each as often as it stands there. */
  namesIn(text: string): string[] {
    if (!text.includes(PLACEHOLDER_WORD)) return [];
    return [...text.matchAll(this.#anywhere)].flatMap((match) => this.#read(match) ?? []);
  }

  #read(match: RegExpMatchArray | null): string | undefined {
    const { plain, keyLike } = match?.groups ?? {};
    return plain ?? this.#keyLike.get(keyLike ?? '');
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
