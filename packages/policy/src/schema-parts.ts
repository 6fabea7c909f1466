import { z } from 'zod';
import { parseRange } from './cidr.ts';
import { formatDestination, parseDestination } from './destination.ts';
import { MAX_REGEX_LENGTH, parseRegex } from './linear-regex.ts';
import { normalisePath } from './path.ts';
import { nearest } from './suggest.ts';
import { TIME_OF_DAY, WEEKDAYS } from './time-window.ts';
import { findZone, zoneNames } from './zone.ts';

const MAX_LIST_LENGTH = 1_000;

/** Rule ids and provider names. No slash: `builtin/…` and `network/default` are ours and cannot be taken. */
export const IDENTIFIER = /^[a-z0-9][a-z0-9._-]{0,63}$/;
export const identifier = z
  .string()
  .regex(IDENTIFIER, 'may only hold lower-case letters, digits, dots, dashes and underscores (at most 64)');

export const Glob = z.string().min(1).max(256);

export function listOf<T extends z.ZodType>(item: T) {
  return z.array(item).min(1).max(MAX_LIST_LENGTH);
}

export const DestinationPattern = z
  .string()
  .min(1)
  .max(1024)
  .transform((written, context) => {
    const parsed = parseDestination(written);
    if (parsed.ok) return formatDestination(parsed.destination);
    context.addIssue({
      code: 'custom',
      message: `\`${written}\` cannot be a destination: ${parsed.problem}`,
      params: { suggestion: parsed.suggestion },
    });
    return z.NEVER;
  })
  .describe(
    'A host: exact (api.openai.com, 10.0.0.7), *.suffix (every subdomain at any depth, not the suffix itself) or *.',
  );

/** A path of which some parts are wildcards; spelled as paths are compared, so that it can match at all. */
export const PathPattern = z
  .string()
  .min(1)
  .max(1024)
  .superRefine((written, context) => {
    const isRooted = /^(?:\/|~\/|\*\*\/|[A-Z]:\/)/.test(written) || written === '~' || written === '**';
    const problem = !isRooted
      ? 'begin with `/`, `~/` or `**/`'
      : /(?:^|\/)\.{1,2}(?:\/|$)|\/\//.test(written)
        ? 'write it without `.`, `..` and double slashes: paths are compared in their shortest form'
        : undefined;
    if (problem === undefined) return;
    const suggestion = isRooted ? normalisePath(written) : `**/${written}`;
    context.addIssue({
      code: 'custom',
      message: `\`${written}\` cannot be a path: ${problem}`,
      params: { suggestion },
    });
  })
  .describe('A path; * and ? stay within one part, ** is any number of parts, ~/ is every home directory.');

export const RegexPattern = z
  .string()
  .min(1)
  .max(MAX_REGEX_LENGTH)
  .superRefine((written, context) => {
    const parsed = parseRegex(written);
    if (!parsed.ok) {
      const message = `\`${written}\` cannot be a pattern: ${parsed.problem}`;
      context.addIssue({ code: 'custom', message });
    }
  })
  .describe('A regular expression in RE2 syntax (linear time), found anywhere unless anchored.');

export const RangePattern = z
  .string()
  .min(1)
  .max(64)
  .superRefine((written, context) => {
    const parsed = parseRange(written);
    if (!parsed.ok) context.addIssue({ code: 'custom', message: `\`${written}\`: ${parsed.problem}` });
  })
  .describe('A range of IP addresses, such as 10.0.0.0/8 or fd00::/8.');

export const ZoneName = z
  .string()
  .min(1)
  .max(64)
  .superRefine((written, context) => {
    if (findZone(written) !== undefined) return;
    const message = `\`${written}\` is not a time zone; write one as in Europe/Berlin`;
    context.addIssue({ code: 'custom', message, params: { suggestion: nearest(written, zoneNames()) } });
  })
  .describe('An IANA time zone, such as Europe/Berlin; summer time is followed.');

const timeOfDay = z.string().regex(TIME_OF_DAY, 'must be a time of day in quotes, as in "22:00"');

export const TimeWindowShape = z
  .strictObject({
    days: listOf(z.enum(WEEKDAYS))
      .optional()
      .describe('Days of the week; of a window over midnight the days on which it begins.'),
    from: timeOfDay.optional().describe('Begins with this minute; midnight unless set.'),
    to: timeOfDay
      .optional()
      .describe('Ends before this minute; earlier than from means the next day; 24:00 unless set.'),
    zone: ZoneName.optional().describe("Time zone of this window; the document's unless set."),
  })
  .superRefine(
    (window, context) => {
      if (context.issues.length > 0 || !isRecord(window)) return;
      if (Object.keys(window).length === 0) {
        context.addIssue({ code: 'custom', message: 'this window is empty: add days, from or to' });
      } else if ((window.from ?? '00:00') === (window.to ?? '24:00')) {
        const message = '`from` and `to` are the same: leave both out for the whole day';
        context.addIssue({ code: 'custom', message, path: ['to'] });
      }
    },
    { when: () => true },
  )
  .meta({ minProperties: 1 });

export const Times = listOf(TimeWindowShape).describe('Windows of time, one of which must hold.');

/** An instant with its offset from UTC. */
export const Instant = z.iso
  .datetime({ offset: true, error: 'must be an instant with its offset, as in "2027-01-31T00:00:00Z"' })
  .describe('ISO 8601 with offset, as in 2027-01-31T00:00:00Z.');

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
