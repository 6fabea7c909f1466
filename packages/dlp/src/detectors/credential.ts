import type { AssignedDetector, TokenDetector } from '../detect/detector.ts';
import { keywordOfFormat, patternOfFormat } from '../detect/format.ts';

type TokenOptions = Partial<Omit<TokenDetector, 'kind' | 'id' | 'title' | 'examples'>> & {
  good?: readonly string[];
};

/** A credential that is known by its own format; what it is worth to a thief decides the severity. */
export function credential(
  id: string,
  title: string,
  formats: readonly [string, ...string[]],
  { good, ...options }: TokenOptions = {},
): TokenDetector {
  return {
    kind: 'token',
    id,
    title,
    category: 'credential',
    severity: 'critical',
    confidence: 0.95,
    keywords: [...new Set(formats.map(keywordOfFormat))],
    pattern: formats.map(patternOfFormat).join('|'),
    entropy: 2,
    ...options,
    examples: { bad: formats, good: good ?? formats.map((format) => `word${format}`) },
  };
}

type AssignedOptions = Partial<Omit<AssignedDetector, 'kind' | 'id' | 'title' | 'names' | 'examples'>>;

/** A credential without a mark of its own, known by the service's name in front of it. */
export function assigned(
  id: string,
  title: string,
  names: readonly [string, ...string[]],
  formats: readonly [string, ...string[]],
  options: AssignedOptions = {},
): AssignedDetector {
  return {
    kind: 'assigned',
    id,
    title,
    category: 'credential',
    severity: 'high',
    confidence: 0.85,
    names,
    pattern: formats.map(patternOfFormat).join('|'),
    ignoreCase: false,
    ...options,
    examples: {
      bad: formats.flatMap((format) => [`${names[0]}_token = "${format}"`, `${names[0]}-key: ${format}`]),
      good: formats.map((format) => `unrelated = ${format.slice(0, 5)}`),
    },
  };
}
