import { expect, it } from 'vitest';
import { DETECTORS } from '../detectors/all.ts';
import { IDENTIFIERS } from '../detectors/identifiers.ts';
import { createScanner } from './create-scanner.ts';
import { exampleOfFormat } from './format.ts';

const SIZE = 20_000;
/** How much more than prose of the same size a text may cost that was made for one detector. */
const MOST = 200;
/** Of those that cost this much more, a longer one is looked at as well. */
const SUSPICIOUS = 60;
/** Of four times the text: in proportion it is 4, in quadratic time 16. */
const MOST_GROWTH = 8;

/** Processor time, ms: what other processes do at the same time does not count. */
function cpuTime(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

type Fill = (unit: string) => string;
const filling =
  (size: number): Fill =>
  (unit) =>
    unit.repeat(Math.ceil(size / Math.max(1, unit.length))).slice(0, size);
const prose = filling(SIZE)(
  'The answer has several parts; first we read src/index.ts (in January, or 2 weeks later). ',
);

/** What makes a backtracking engine stall: beginnings without end, near misses, one beginning and a long run. */
function attacksOn(example: string, fill: Fill): string[] {
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

it('a text made for a detector costs more than prose by a constant at most, and grows in proportion', {
  timeout: 60_000,
}, () => {
  const detectors = [...DETECTORS, ...IDENTIFIERS];
  const scanner = createScanner({ detectors, loneNumbers: 'any' });
  for (let round = 0; round < 20; round++) scanner.scan(prose);
  const ordinary =
    cpuTime(() => {
      for (let round = 0; round < 100; round++) scanner.scan(prose);
    }) / 100;
  const slow = detectors.flatMap(({ id, examples }) => {
    const [format] = examples.bad;
    const example = exampleOfFormat(format ?? id);
    const longer = attacksOn(example, filling(4 * SIZE));
    return attacksOn(example, filling(SIZE)).flatMap((text, attack) => {
      const cost = (of: string) => cpuTime(() => scanner.scan(of));
      // The clock of the processor ticks in milliseconds, and collecting garbage takes some: more looks decide.
      if (cost(text) / ordinary < SUSPICIOUS) return [];
      const best = Math.min(cost(text), cost(text), cost(text));
      const most = longer[attack] ?? '';
      const growth = () => Math.min(cost(most), cost(most)) / Math.max(2, best);
      const times = Math.round(best / ordinary);
      if (times < MOST && Math.min(growth(), growth()) < MOST_GROWTH) return [];
      return [
        `${id}, attack ${attack}: ${times} times prose, ${growth().toFixed(1)} times for four times the text`,
      ];
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
