import type { DataCategory, DataSeverity } from '../finding.ts';

interface CustomRuleBase {
  /** Named in policies and findings; kebab case, behind the name of a layer where a policy brings it. */
  id: string;
  severity: DataSeverity;
  /** What findings are said to be; `custom` unless told. */
  category?: DataCategory;
}

/** A regular expression in RE2 syntax: no look-around, no back references, linear whatever it is given. */
export interface PatternRule extends CustomRuleBase {
  kind: 'pattern';
  pattern: string;
  ignoreCase?: boolean;
  /** Whole words of which one has to stand within a hundred characters, whatever its case; none unless told. */
  keywords?: readonly string[];
}

/** Words and phrases, found as whole words without regard to case. */
export interface DictionaryRule extends CustomRuleBase {
  kind: 'dictionary';
  phrases: readonly string[];
}

/** A document, known by the hashes of its overlapping runs of words (see `fingerprintDocument`); its text is not kept. */
export interface FingerprintRule extends CustomRuleBase {
  kind: 'fingerprint';
  /** From `fingerprintDocument`. */
  shingles: readonly number[];
  /** How many runs have to occur close together; 3 unless told. */
  least?: number;
}

export type CustomRule = PatternRule | DictionaryRule | FingerprintRule;
