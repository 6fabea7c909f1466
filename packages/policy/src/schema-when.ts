import { z } from 'zod';
import { FIELDS, type FieldKind, type FieldName } from './field.ts';
import type { Action } from './request.ts';
import {
  DestinationPattern,
  Glob,
  isRecord,
  listOf,
  PathPattern,
  RangePattern,
  RegexPattern,
} from './schema-parts.ts';

/** Operators on one field, all of which must hold. Which of them a field has depends on its kind. */
export interface Condition {
  readonly eq?: string | number | undefined;
  readonly in?: readonly (string | number)[] | undefined;
  readonly lt?: number | undefined;
  readonly lte?: number | undefined;
  readonly gt?: number | undefined;
  readonly gte?: number | undefined;
  readonly glob?: string | undefined;
  readonly regex?: string | undefined;
  readonly cidr?: string | undefined;
}

/** Conditions by field, all of which must hold. */
export type When = { readonly [Name in FieldName]?: Condition | undefined };

const text = z.string().min(1).max(4096);
const count = z.number().min(-1e12).max(1e12);
const dollars = z.number().min(0).max(1e9);

const EQ = 'The value is exactly this.';
const IN = 'The value is one of these.';
const REGEX = 'The value matches this RE2 pattern, anywhere unless anchored.';
const GLOB = '* is a wildcard.';

function numeric(number: typeof count) {
  return {
    eq: number.optional().describe(EQ),
    in: listOf(number).optional().describe(IN),
    lt: number.optional().describe('Less than.'),
    lte: number.optional().describe('At most.'),
    gt: number.optional().describe('More than.'),
    gte: number.optional().describe('At least.'),
  };
}

function textual<T extends z.ZodType>(pattern: T, about: string) {
  return {
    eq: text.optional().describe(EQ),
    in: listOf(text).optional().describe(IN),
    glob: pattern.optional().describe(about),
    regex: RegexPattern.optional().describe(REGEX),
  };
}

const OPERATORS: Record<FieldKind, z.ZodType<Condition>> = {
  text: condition(textual(Glob, GLOB)),
  package: condition(textual(Glob, GLOB)),
  path: condition(textual(PathPattern, '* and ? stay within one part, ** is any number of parts.')),
  host: condition(textual(DestinationPattern, 'Exact or *.suffix.')),
  address: condition({
    eq: RangePattern.optional().describe(EQ),
    in: listOf(RangePattern).optional().describe(IN),
    cidr: RangePattern.optional().describe('The address is in this range, such as 10.0.0.0/8.'),
  }),
  number: condition(numeric(count)),
  money: condition(numeric(dollars)),
};

function condition<T extends z.ZodRawShape>(operators: T) {
  const known = Object.keys(operators);
  return z
    .strictObject(operators)
    .superRefine(
      (value, context) => {
        if (context.issues.length === 0 && isRecord(value) && Object.keys(value).length === 0) {
          context.addIssue({ code: 'custom', message: `this condition is empty: add ${known.join(', ')}` });
        }
      },
      { when: () => true },
    )
    .meta({ minProperties: 1 });
}

/** The explicit form of conditions: every field that one of the actions has. */
export function whenOf(actions: readonly Action[]): z.ZodType<When> {
  const shape: Record<string, z.ZodType<Condition | undefined>> = {};
  for (const { name, kind, description, ...field } of FIELDS) {
    const isKnown = !('actions' in field) || field.actions.some((one) => actions.includes(one));
    if (isKnown) shape[name] = OPERATORS[kind].optional().describe(description);
  }
  const object = z
    .strictObject(shape)
    .superRefine(
      (value, context) => {
        if (context.issues.length === 0 && isRecord(value) && Object.keys(value).length === 0) {
          context.addIssue({ code: 'custom', message: '`when` is empty: add a condition' });
        }
      },
      { when: () => true },
    )
    .meta({ minProperties: 1 })
    .describe('Conditions by what they are about; all must hold.');
  // The keys of the shape are field names: it is made from the table of fields above.
  return object as unknown as z.ZodType<When>;
}
