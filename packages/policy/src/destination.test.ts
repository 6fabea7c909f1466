import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Destination, destinationMatches, formatDestination, parseDestination } from './destination.ts';
import { normaliseHost } from './host.ts';

interface DestinationCases {
  patterns: { pattern: string; matches: string[]; misses: string[] }[];
  refused: { pattern: string; suggestion?: string }[];
}
const cases: DestinationCases = JSON.parse(
  readFileSync(new URL('../cases/destinations.json', import.meta.url), 'utf8'),
);

describe.each(cases.patterns)('the destination $pattern', ({ pattern, matches, misses }) => {
  const destination = read(pattern);

  test.each(matches)('holds %s', (written) => {
    expect(destinationMatches(destination, hostOf(written))).toBe(true);
  });

  test.each(misses)('does not hold %s', (written) => {
    expect(destinationMatches(destination, hostOf(written))).toBe(false);
  });

  test('is the same destination when written in its canonical spelling', () => {
    expect(read(formatDestination(destination))).toEqual(destination);
  });
});

describe('what cannot be a destination', () => {
  test.each(cases.refused)('$pattern', ({ pattern, suggestion }) => {
    const parsed = parseDestination(pattern);
    expect(parsed.ok).toBe(false);
    expect(parsed).toHaveProperty('problem');
    if (suggestion === undefined) expect(parsed).not.toHaveProperty('suggestion');
    else expect(parsed).toHaveProperty('suggestion', suggestion);
  });

  test('what is suggested instead can be one', () => {
    for (const { suggestion } of cases.refused) {
      if (suggestion !== undefined) expect(parseDestination(suggestion).ok).toBe(true);
    }
  });
});

function read(pattern: string): Destination {
  const parsed = parseDestination(pattern);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.destination;
}

function hostOf(written: string): string {
  const host = normaliseHost(written);
  if (host === undefined) throw new Error(`${written} is not a host`);
  return host;
}
