import type { Finding } from '../../finding.ts';

/**
 * What stands in the place of data: `[[EMAIL_3F9A1C]]`. The type helps the model to go on; the tag is the start of
 * the keyed hash of the data. So the same data has the same placeholder in every call without anything being
 * remembered (transcripts stay the same, prompt caches hold), and no user writes one by chance.
 */
export interface Placeholders {
  /** @returns the placeholder of a value; the same one each time */
  issue(finding: Pick<Finding, 'detector' | 'category'>, value: string): string;
}

/** Where a caller keeps what placeholders stand for, so that answers can be re-hydrated; one per scope. */
export interface PlaceholderVault {
  get(placeholder: string): string | undefined;
  set(placeholder: string, value: string): void;
}

export interface PlaceholderOptions {
  /** HMAC-SHA-256 (hex) under a key of the scope: an organisation, an AI agent or a conversation. */
  hash: (value: string) => string;
  /** Kept only for reversible redaction. */
  vault?: PlaceholderVault;
}

/** Types for detectors whose category says too little, by the beginning of their ids. */
const TYPES: readonly (readonly [string, string])[] = [
  ['email', 'EMAIL'],
  ['phone', 'PHONE'],
  ['payment-card', 'CARD'],
  ['iban', 'IBAN'],
  ['us-ssn', 'SSN'],
  ['ssn', 'SSN'],
  ['private-key', 'KEY'],
];

const CATEGORY_TYPES: Readonly<Record<Finding['category'], string>> = {
  credential: 'CREDENTIAL',
  payment: 'PAYMENT',
  'national-id': 'IDENTITY',
  contact: 'CONTACT',
  person: 'PERSON',
  health: 'HEALTH',
  wallet: 'WALLET',
  'unknown-secret': 'SECRET',
  custom: 'CUSTOM',
};

const TAG = 6;
/** Tag of a value whose short tag another value of the scope has already. */
const LONG_TAG = 10;
/** No placeholder is longer, however a model spaces it. */
export const LONGEST_PLACEHOLDER = 64;

/** @returns the placeholders of one scope */
export function createPlaceholders({ hash, vault }: PlaceholderOptions): Placeholders {
  return {
    issue({ detector, category }, value) {
      const type = TYPES.find(([prefix]) => detector.startsWith(prefix))?.[1] ?? CATEGORY_TYPES[category];
      const digest = hash(value).toUpperCase();
      const short = `[[${type}_${digest.slice(0, TAG)}]]`;
      const holder = vault?.get(short);
      const placeholder =
        holder === undefined || holder === value ? short : `[[${type}_${digest.slice(0, LONG_TAG)}]]`;
      vault?.set(placeholder, value);
      return placeholder;
    },
  };
}

// Models change case, add spaces, escape brackets and underscores for Markdown.
const TOLERANT =
  /\\?\[\s?\\?\[\s{0,2}(CREDENTIAL|PAYMENT|IDENTITY|CONTACT|PERSON|HEALTH|WALLET|SECRET|CUSTOM|EMAIL|PHONE|CARD|IBAN|SSN|KEY)\s?\\?[_\- ]\s?([0-9A-F]{10}|[0-9A-F]{6})\s{0,2}\\?\]\s?\\?\]/gi;

export interface FoundPlaceholder {
  start: number;
  end: number;
  /** As it was issued, if it was. */
  placeholder: string;
}

/** Everything in a text that looks like a placeholder, in any spelling that models give it. */
export function findPlaceholders(text: string): FoundPlaceholder[] {
  if (!text.includes('[')) return [];
  return [...text.matchAll(TOLERANT)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    placeholder: `[[${match[1]?.toUpperCase()}_${match[2]?.toUpperCase()}]]`,
  }));
}

const BEGINNING =
  /^\\?(?:\[\s?\\?(?:\[\s{0,2}[A-Za-z]{0,12}\s?\\?[_\- ]?\s?[0-9A-Fa-f]{0,10}\s{0,2}\\?(?:\]\s?\\?)?)?)?$/;

/** From where the end of a text may still become a placeholder; the length of the text when nothing can. */
export function openPlaceholder(text: string): number {
  for (let at = Math.max(0, text.length - LONGEST_PLACEHOLDER); at < text.length; at++) {
    const begins = text[at] === '[' || text[at] === '\\';
    if (begins && BEGINNING.test(text.slice(at))) return at;
  }
  return text.length;
}
