import { parseAddress, parseRange, rangeHolds } from './cidr.ts';
import type { Field } from './field.ts';
import { MAX_REGEX_INPUT, parseRegex } from './linear-regex.ts';
import { type Anchors, compilePatterns, compileValues } from './pattern-set.ts';
import type { Condition } from './schema-when.ts';

/** One operator with its operand, ready to compare. */
export interface Comparison {
  readonly text: string;
  /** What makes rules findable by the values of the field; absent for what is not equality or a glob. */
  readonly anchors?: Anchors | undefined;
  /** `undefined`: the value cannot be compared with this. */
  holds(value: string | number): boolean | undefined;
}

type Operator = keyof Condition;
type Operand<Name extends Operator> = NonNullable<Condition[Name]>;

/** Dollars as policies write them, in the millionths that requests carry. */
export function toMicroDollars(dollars: number): number {
  return Math.round(dollars * 1e6);
}

const OPERATORS: { [Name in Operator]: (field: Field, operand: Operand<Name>) => Omit<Comparison, 'text'> } =
  {
    eq: (field, operand) => equals(field, [operand]),
    in: (field, operands) => equals(field, operands),
    lt: (field, limit) => compares(field, limit, (value, than) => value < than),
    lte: (field, limit) => compares(field, limit, (value, than) => value <= than),
    gt: (field, limit) => compares(field, limit, (value, than) => value > than),
    gte: (field, limit) => compares(field, limit, (value, than) => value >= than),
    glob: (field, pattern) => texts(compilePatterns(field, [pattern])),
    regex: (_field, pattern) => matches(pattern),
    cidr: (_field, range) => inRanges([range]),
  };

/**
 * @throws TypeError for operands that no parser let through.
 */
export function compileCondition(field: Field, condition: Condition): Comparison[] {
  const comparisons: Comparison[] = [];
  for (const name of operatorsOf(condition)) comparisons.push(compileOperator(field, name, condition));
  return comparisons;
}

function compileOperator<Name extends Operator>(field: Field, name: Name, condition: Condition): Comparison {
  const operand = condition[name];
  if (operand === undefined || operand === null) throw new TypeError(`operator "${name}" has no operand`);
  // `operand` is the value under `name`, without undefined: the pairing that the table is typed with.
  const comparison = OPERATORS[name](field, operand as Operand<Name>);
  return Object.freeze({ text: `${name} ${String(operand)}`, ...comparison });
}

function operatorsOf(condition: Condition): Operator[] {
  return OPERATOR_NAMES.filter((name) => condition[name] !== undefined);
}

const OPERATOR_NAMES: readonly Operator[] = ['eq', 'in', 'lt', 'lte', 'gt', 'gte', 'glob', 'regex', 'cidr'];

function equals(field: Field, operands: readonly (string | number)[]): Omit<Comparison, 'text'> {
  if (field.kind === 'address') return inRanges(operands.map(String));
  if (field.kind !== 'number' && field.kind !== 'money') {
    return texts(compileValues(field, operands.map(String)));
  }
  const wanted = new Set(operands.map((operand) => inUnits(field, Number(operand))));
  return { holds: (value) => (isAmount(value) ? wanted.has(value) : undefined) };
}

function compares(
  field: Field,
  limit: number,
  test: (value: number, limit: number) => boolean,
): Omit<Comparison, 'text'> {
  const than = inUnits(field, limit);
  return { holds: (value) => (isAmount(value) ? test(value, than) : undefined) };
}

function inUnits(field: Field, amount: number): number {
  return field.kind === 'money' ? toMicroDollars(amount) : amount;
}

/** NaN compares as false with everything: it would pass every limit. */
function isAmount(value: string | number): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}

function texts({ holds, anchors }: ReturnType<typeof compilePatterns>): Omit<Comparison, 'text'> {
  return { anchors, holds: (value) => (typeof value === 'string' ? holds(value) : undefined) };
}

function matches(pattern: string): Omit<Comparison, 'text'> {
  const parsed = parseRegex(pattern);
  if (!parsed.ok) throw new TypeError(`"${pattern}" cannot be a pattern: ${parsed.problem}`);
  const { test } = parsed;
  return {
    holds: (value) =>
      typeof value === 'string' && value.length <= MAX_REGEX_INPUT ? test(value) : undefined,
  };
}

function inRanges(written: readonly string[]): Omit<Comparison, 'text'> {
  const ranges = written.map((one) => {
    const parsed = parseRange(one);
    if (!parsed.ok) throw new TypeError(`"${one}": ${parsed.problem}`);
    return parsed.range;
  });
  return {
    holds: (value) => {
      const address = typeof value === 'string' ? parseAddress(value) : undefined;
      return address && ranges.some((range) => rangeHolds(range, address));
    },
  };
}
