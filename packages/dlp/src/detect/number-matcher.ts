import type { NumberDetector } from './detector.ts';
import type { Span } from './token-matcher.ts';

export interface NumberMatcher {
  detector: NumberDetector;
  /**
   * Calls back for every number of the plan inside the window, which begins at `from` in the text.
   *
   * @param named whether a word close by says what it is: then it may be a cell of a table with commas
   */
  matchIn(window: string, from: number, named: boolean, found: (span: Span) => void): void;
}

/** More matches than this in one window of a few dozen characters are a list of something else. */
const MOST_MATCHES = 8;

export function numberMatcher(detector: NumberDetector): NumberMatcher {
  const compile = (comma: string): RegExp => {
    const before = detector.pattern.startsWith('(?:\\+')
      ? '(?<![A-Za-z0-9])'
      : `(?<![A-Za-z0-9_]|[0-9][.${comma}-]|[-+/]|(?:^|[^A-Za-z_"'\\]])=)`;
    return new RegExp(`${before}(?:${detector.pattern})(?![A-Za-z0-9_]|[-.${comma}:/=+]\\d|[=])`, 'g');
  };
  const { validate } = detector;
  const strict = compile(',');
  // Commas between digits are thousands, too, unless a checksum says that they are not.
  const inTable = validate && detector.category !== 'contact' ? compile('') : strict;
  const [least, most] = detector.digits;
  return {
    detector,
    matchIn(window, from, named, found) {
      const pattern = named ? inTable : strict;
      pattern.lastIndex = 0;
      for (let round = 0; round < MOST_MATCHES; round++) {
        const match = pattern.exec(window);
        if (!match) return;
        const [value] = match;
        const digits = countDigits(value);
        if (digits >= least && digits <= most && (!validate || validate(value)))
          found({ start: from + match.index, end: from + match.index + value.length });
      }
    },
  };
}

function countDigits(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 48 && code <= 57) count++;
  }
  return count;
}
