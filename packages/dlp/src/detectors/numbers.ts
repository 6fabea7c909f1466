import type { NumberDetector } from '../detect/detector.ts';

type NumberOptions = Partial<
  Pick<NumberDetector, 'alone' | 'allows' | 'confidence' | 'letters' | 'severity' | 'category' | 'where'>
> & {
  good?: readonly string[];
};

/** One row of a table of numbers: with a checksum it may stand alone, without one it needs a word beside it. */
export function number(
  id: string,
  title: string,
  digits: readonly [number, number],
  pattern: string,
  context: readonly string[],
  validate: NumberDetector['validate'],
  examples: readonly string[],
  { good = [], ...options }: NumberOptions = {},
): NumberDetector {
  return {
    kind: 'number',
    id,
    title,
    category: 'national-id',
    severity: 'high',
    confidence: validate ? 0.9 : 0.7,
    where: 'near',
    digits,
    pattern,
    context,
    ...(validate && { validate }),
    alone: validate !== undefined,
    ...options,
    examples: { bad: examples, good },
  };
}
