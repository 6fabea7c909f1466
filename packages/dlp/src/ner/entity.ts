import type { Finding } from '../finding.ts';

/** Kinds of entities under the names of Presidio (https://microsoft.github.io/presidio/supported_entities/). */
export type EntityType =
  | 'PERSON'
  | 'LOCATION'
  | 'ORGANIZATION'
  | 'DATE_OF_BIRTH'
  | 'MEDICAL_RECORD'
  | (string & {});

/** A name, address or the like in a text. */
export interface Entity {
  type: EntityType;
  /** UTF-16 offsets, half open. */
  start: number;
  end: number;
  /** 0 to 1. */
  score: number;
}

/** Finds what has no format: one interface for the built-in rules and for Presidio. */
export interface EntityRecogniser {
  readonly name: string;
  /** @returns one list per text, in order of `start` */
  recognise(texts: readonly string[], signal?: AbortSignal): Promise<Entity[][]>;
}

/**
 * What recognisers find that has no format, and so no detector. They are wrong too often for anything that stops work
 * (recall .61 and 14 % of benign prose flagged in our measurements): policies at most record it unless a rule names it.
 */
export const GUESSED_ENTITIES: readonly EntityType[] = [
  'PERSON',
  'LOCATION',
  'ORGANIZATION',
  'NRP',
  'DATE_OF_BIRTH',
  'MEDICAL_RECORD',
  'MEDICAL_LICENSE',
  'UK_NHS',
  'AU_MEDICARE',
];

const CATEGORIES: Readonly<Record<string, Finding['category']>> = {
  MEDICAL_RECORD: 'health',
  MEDICAL_LICENSE: 'health',
  UK_NHS: 'health',
  AU_MEDICARE: 'health',
  EMAIL_ADDRESS: 'contact',
  PHONE_NUMBER: 'contact',
  CREDIT_CARD: 'payment',
  IBAN_CODE: 'payment',
  US_BANK_NUMBER: 'payment',
  CRYPTO: 'wallet',
  US_SSN: 'national-id',
  US_ITIN: 'national-id',
  US_PASSPORT: 'national-id',
  US_DRIVER_LICENSE: 'national-id',
};

/** An entity in the form of every other finding: low severity, its score as the confidence. */
export function entityFinding({ type, start, end, score }: Entity): Finding {
  const detector = `entity-${type.toLowerCase().replaceAll('_', '-')}`;
  return { detector, category: CATEGORIES[type] ?? 'person', severity: 'low', start, end, confidence: score };
}
