import type { DataCategory, DataSeverity } from '../finding.ts';

interface DetectorBase {
  /** Stable id in kebab case, named in policies and findings. */
  id: string;
  title: string;
  category: DataCategory;
  severity: DataSeverity;
  /** 0 to 1; what a match alone is worth. */
  confidence: number;
  /** Formats (see `format.ts`) of texts that must be found, and of texts in which nothing of this kind is. */
  examples: { bad: readonly string[]; good: readonly string[] };
}

/** A value with a mark of its own, such as `ghp_…`: found by the mark, then matched at that place only. */
export interface TokenDetector extends DetectorBase {
  kind: 'token';
  /** Marks in lower case ASCII; case is ignored in the search and decided by the pattern. */
  keywords: readonly string[];
  /** Matched from where the value begins; bounded repetitions only; a capture group marks the secret part. */
  pattern: string;
  ignoreCase?: boolean;
  /** How far the value begins before the mark: fixed, or as far back as these characters reach. */
  lead?: number | { characters: RegExp; most: number };
  /** Bits per character that the secret has to have at least. */
  entropy?: number;
  validate?: (secret: string) => boolean;
  /** Left out where it was published on purpose (see `published-address.ts`), unless the scanner is told otherwise. */
  unlessPublished?: boolean;
}

/** A value that only its name gives away: `datadog_token = …`. */
export interface AssignedDetector extends DetectorBase {
  kind: 'assigned';
  /** Parts of names in lower case ASCII. */
  names: readonly string[];
  /** Matched against the whole value. */
  pattern: string;
  ignoreCase?: boolean;
  entropy?: number;
  validate?: (value: string, name: string) => boolean;
}

/** A number of a plan: cards, accounts, national ids, phones. */
export interface NumberDetector extends DetectorBase {
  kind: 'number';
  /** Digits in the number, at least and at most. */
  digits: readonly [least: number, most: number];
  /** Letters in it at least: groups with fewer are passed over at once. */
  letters?: number;
  /** Matched inside a group of digits, letters and single separators. */
  pattern: string;
  validate?: (value: string) => boolean;
  /** Asked, where no context word is close by, whether the surroundings allow what the value alone looks like. */
  allows?: (value: string, before: string, after: string) => boolean;
  /**
   * When it may be found:
   * `anywhere`: format and checksum are enough;
   * `near`: only with one of the context words close by, or as the whole text when `alone`.
   */
  where: 'anywhere' | 'near';
  /** Words in lower case, of any script, that raise the confidence, and that `near` asks for. */
  context: readonly string[];
  /** Found, at low confidence, when the number is all there is in the text. */
  alone?: boolean;
}

export type Detector = TokenDetector | AssignedDetector | NumberDetector;
