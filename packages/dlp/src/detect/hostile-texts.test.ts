import { expect, it } from 'vitest';
import { DETECTORS } from '../detectors/all.ts';
import { IDENTIFIERS } from '../detectors/identifiers.ts';
import { createScanner } from './create-scanner.ts';
import { exampleOfFormat } from './format.ts';

const SIZE = 20_000;
/**
 * How much more than prose of the same size a text may cost that was made for one detector. Texts full of what may be
 * tokens cost some 80 times as much, in proportion to their length; quadratic time would be thousands.
 */
const MOST = 200;

/** Processor time, ms: what other processes do at the same time does not count. */
function cpuTime(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const fill = (unit: string): string => unit.repeat(Math.ceil(SIZE / Math.max(1, unit.length))).slice(0, SIZE);
const prose = fill(
  'The answer has several parts; first we read src/index.ts (in January, or 2 weeks later). ',
);

/** What makes a backtracking engine stall: beginnings without end, near misses, one beginning and a long run. */
function attacksOn(example: string): string[] {
  const half = example.slice(0, Math.ceil(example.length / 2));
  const last = example.at(-1) ?? 'a';
  return [
    fill(example),
    fill(example.slice(0, -1)),
    fill(`${half} `),
    half + fill(last),
    `${fill(last)}${half}!`,
  ];
}

it('no text made for a detector costs more than prose by a constant', { timeout: 60_000 }, () => {
  const detectors = [...DETECTORS, ...IDENTIFIERS];
  const scanner = createScanner({ detectors, loneNumbers: 'any' });
  for (let round = 0; round < 20; round++) scanner.scan(prose);
  const ordinary =
    cpuTime(() => {
      for (let round = 0; round < 100; round++) scanner.scan(prose);
    }) / 100;
  const slow = detectors.flatMap(({ id, examples }) => {
    const [format] = examples.bad;
    return attacksOn(exampleOfFormat(format ?? id)).flatMap((text, attack) => {
      const ratio = () => cpuTime(() => scanner.scan(text)) / ordinary;
      // The clock of the processor ticks in milliseconds, and collecting garbage takes some: a second look decides.
      const best = ratio() < MOST ? 0 : Math.min(ratio(), ratio());
      return best < MOST ? [] : [`${id}, attack ${attack}: ${Math.round(best)} times prose`];
    });
  });
  expect(slow).toEqual([]);
});

/** Expressions that take exponential or cubic time where matches are searched by backtracking. */
const EVIL = [
  '(a+)+$',
  '(a|aa)+$',
  '(a|a?)+b',
  '(.*a){12}b',
  '(x+x+)+y',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '(\\w*)*@(\\w*)*\\.',
  '\\s+$',
  '(\\d+|\\d+\\.)*!',
  '([^"]*"[^"]*)*;',
];

it('rules that users write take time in proportion to the text, whatever they are', {
  timeout: 60_000,
}, () => {
  for (const pattern of EVIL) {
    const scanner = createScanner({
      detectors: [],
      unknownSecrets: false,
      custom: [{ kind: 'pattern', id: 'evil', severity: 'low', pattern }],
    });
    const time = (size: number) => {
      const texts = ['a', 'x', 'ab ', '1', '"', ' '].map((unit) => unit.repeat(size / unit.length));
      return cpuTime(() => {
        for (const text of texts) scanner.scan(`${text}!`);
      });
    };
    time(500);
    const growth = () => time(8_000) / Math.max(2, time(1_000));
    // Eight times the text; quadratic time would be 64 times.
    expect([pattern, Math.min(growth(), growth()) < 40]).toEqual([pattern, true]);
  }
});
