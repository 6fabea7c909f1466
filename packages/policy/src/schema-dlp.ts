import { z } from 'zod';
import { parseRegex } from './linear-regex.ts';
import { identifier, listOf, RegexPattern } from './schema-parts.ts';

/** What kinds of data scanners tell apart. */
export const DATA_CLASSES = [
  'credential',
  'payment',
  'national-id',
  'contact',
  'person',
  'health',
  'wallet',
  'unknown-secret',
  'custom',
] as const;

/** What happens to data that could not be scanned. */
export const UNSCANNABLE_EFFECTS = ['allow', 'alert', 'block'] as const;

const MAX_TERMS = 5_000;
const MAX_SHINGLES = 20_000;

const ID = identifier.describe(
  'Unique in this document. Rules of this document name it under detectors; findings carry it behind the layer, as in global/condor.',
);
const DATA_CLASS = z
  .enum(DATA_CLASSES)
  .default('custom')
  .describe('Category of what it finds, which rules name under classes; custom unless set.');
const SEVERITY = z
  .enum(['low', 'medium', 'high', 'critical'])
  .default('high')
  .describe('How bad it is when this leaves; high unless set.');

/** A pattern that is found in nothing would be found everywhere. */
const FindingPattern = RegexPattern.superRefine((written, context) => {
  const parsed = parseRegex(written);
  if (!parsed.ok || !parsed.test('')) return;
  const message = `\`${written}\` is found in an empty text, and so everywhere: say what has to be there`;
  context.addIssue({ code: 'custom', message });
});

const DlpPattern = z.strictObject({
  id: ID,
  pattern: FindingPattern.describe('A regular expression in RE2 syntax (linear time).'),
  ignore_case: z.boolean().optional().describe('Whether case is ignored; it is not unless set.'),
  keywords: listOf(z.string().trim().min(2).max(64))
    .optional()
    .describe('Words of which one has to stand near what was found; case is ignored.'),
  class: DATA_CLASS,
  severity: SEVERITY,
});

const DlpDictionary = z.strictObject({
  id: ID,
  terms: z
    .array(z.string().trim().min(2).max(256))
    .min(1)
    .max(MAX_TERMS)
    .describe('Words and phrases, found as whole words; case is ignored.'),
  class: DATA_CLASS,
  severity: SEVERITY,
});

const DlpFingerprint = z.strictObject({
  id: ID,
  shingles: z
    .array(z.int().min(0))
    .min(1)
    .max(MAX_SHINGLES)
    .describe('Hashes of the runs of words of a document, which is not kept itself.'),
  least: z
    .int()
    .min(1)
    .max(1_000)
    .optional()
    .describe('How many of the runs have to occur close together; 3 unless set.'),
  class: DATA_CLASS,
  severity: SEVERITY,
});

/** What is looked for only where a document asks for it. */
export const ONLY_WHERE_ASKED = {
  identifiers: z
    .boolean()
    .optional()
    .describe(
      'Whether addresses of machines, links and dates are looked for too, which stand in every log; not unless a layer says true.',
    ),
  published_addresses: z
    .enum(['ignore', 'find'])
    .optional()
    .describe(
      'Whether e-mail addresses that were published on purpose (of roles, lists, authors) are found; ignored unless a layer says find.',
    ),
};

/** Detectors of a document's own, beside those that are built in. */
export const OWN_DETECTORS = {
  patterns: z.array(DlpPattern).max(1_000).optional().describe('Patterns to look for.'),
  dictionaries: z.array(DlpDictionary).max(100).optional().describe('Words to look for.'),
  fingerprints: z.array(DlpFingerprint).max(1_000).optional().describe('Documents to recognise.'),
};
