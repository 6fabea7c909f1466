import type { Entity, EntityRecogniser, EntityType } from './entity.ts';
import { FIRST_NAMES } from './first-names.ts';

/** `pattern` has one group: the entity. Repetitions are bounded, so every rule is linear in the text. */
interface Rule {
  type: EntityType;
  score: number;
  pattern: RegExp;
  accept?: (value: string) => boolean;
}

const NAME = String.raw`\p{Lu}[\p{Ll}’'-]{1,20}(?:[ ](?:(?:van|von|de|da|del|di|bin|al)[ ]){0,2}(?:\p{Lu}\.?[ ])?\p{Lu}[\p{Ll}’'-]{1,20}){0,2}`;
const MONTH = `(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}`;
const DATE = String.raw`(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}(?:st|nd|rd|th)?\.? ${MONTH},? \d{4}|${MONTH} \d{1,2}(?:st|nd|rd|th)?,? \d{4})`;
const STREET =
  'Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Court|Ct|Square|Terrace|Highway|Hwy';
const COMPANY = 'Inc|LLC|Ltd|Limited|Corp|Corporation|GmbH|AG|KG|SE|SA|SAS|SARL|BV|NV|Oy|AB|ApS|PLC|LLP';

const RULES: readonly Rule[] = [
  {
    type: 'PERSON',
    score: 0.7,
    pattern: new RegExp(
      String.raw`(?<![\p{L}\d])(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Mme|Sr|Sra)\.?[ ](${NAME})`,
      'gdu',
    ),
  },
  {
    type: 'PERSON',
    score: 0.6,
    pattern: new RegExp(
      String.raw`(?<![\p{L}\d])(?:[Mm]y name is|[Ii]ch heiße|[Pp]atient(?: name)?:?|[Cc]ustomer:|[Ee]mployee:|[Nn]ame:|[Ss]igned by)[ ](${NAME})`,
      'gdu',
    ),
  },
  {
    type: 'PERSON',
    score: 0.5,
    pattern:
      /(?<![\p{L}\d.@/_-])(\p{Lu}\p{Ll}{1,20}[ ](?:\p{Lu}\.[ ])?\p{Lu}[\p{Ll}’'-]{1,20})(?![\p{L}\d@(])/dgu,
    accept: (value) => FIRST_NAMES.has(value.split(' ', 1)[0] ?? ''),
  },
  {
    type: 'LOCATION',
    score: 0.6,
    pattern: new RegExp(
      String.raw`(?<![\p{L}\d.])(\d{1,5}[a-zA-Z]?[ ](?:\p{Lu}[\p{L}.'’-]{0,20}[ ]){1,3}(?:${STREET})\b\.?(?:,[ ]\p{Lu}[\p{L} ]{1,30}(?:,[ ][A-Z]{2}[ ]\d{5}(?:-\d{4})?)?)?)`,
      'gdu',
    ),
  },
  {
    type: 'LOCATION',
    score: 0.6,
    pattern:
      /(?<![\p{L}\d])(\p{Lu}[\p{L}-]{1,30}(?:straße|strasse|str\.|weg|gasse|platz|allee)[ ]\d{1,4}[a-z]?(?:,[ ]\d{5}[ ]\p{Lu}\p{L}{1,30})?)/dgu,
  },
  {
    type: 'ORGANIZATION',
    score: 0.6,
    pattern: new RegExp(
      String.raw`(?<![\p{L}\d])((?:\p{Lu}[\p{L}\d&’'-]{1,30},?[ ]){1,4}(?:${COMPANY})\b\.?)`,
      'gdu',
    ),
  },
  {
    type: 'DATE_OF_BIRTH',
    score: 0.8,
    pattern: new RegExp(
      String.raw`(?<![\p{L}\d])(?:born(?: on)?|birth ?date|date of birth|d\.?o\.?b\.?|geboren(?: am)?|geburtsdatum)[ :="]{1,5}(${DATE})`,
      'gdiu',
    ),
  },
  {
    type: 'MEDICAL_RECORD',
    score: 0.7,
    pattern:
      /(?<![\p{L}\d])(?:mrn|medical record(?: (?:no|number))?|patient id|health (?:plan|insurance) (?:id|number))[ .:#="]{1,5}([a-z]{0,4}-?\d[\d-]{4,14})/dgiu,
  },
];

/**
 * Names after titles, cues and common first names; addresses, companies, dates of birth and record numbers by the
 * words around them. It runs anywhere and needs nothing; it finds what is written by the book and claims no more.
 */
export const ruleRecogniser: EntityRecogniser = {
  name: 'rules',
  recognise: (texts, signal) =>
    signal?.aborted ? Promise.reject(signal.reason) : Promise.resolve(texts.map(recogniseEntities)),
};

/** @returns entities of one text by the built-in rules, without overlaps, in order */
export function recogniseEntities(text: string): Entity[] {
  const found: Entity[] = [];
  for (const { type, score, pattern, accept } of RULES) {
    for (const match of text.matchAll(pattern)) {
      const span = match.indices?.[1];
      if (span === undefined || accept?.(match[1] ?? '') === false) continue;
      found.push({ type, score, start: span[0], end: span[1] });
    }
  }
  found.sort((a, b) => a.start - b.start || b.score - a.score);
  let at = 0;
  return found.filter(({ start, end }) => {
    if (start < at) return false;
    at = end;
    return true;
  });
}
