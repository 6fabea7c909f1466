/** Scanning one text: 4 kB, 10 kB and 500 kB, against the keyword search alone and all expressions one by one. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median, percentile, printResult, printTable } from '../../../bench/lib/report.ts';
import { createScanner, DETECTORS } from '../src/index.ts';
import { KeywordAutomaton } from '../src/match/keyword-automaton.ts';

const ROUNDS = 400;

/** The repository's own documentation and code: what agents send. */
function readCorpus(): string {
  const source = fileURLToPath(new URL('../src/detect/', import.meta.url));
  const docs = fileURLToPath(new URL('../../../docs/', import.meta.url));
  const files = [source, docs].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.(?:ts|md)$/.test(name))
      .map((name) => readFileSync(`${folder}/${name}`, 'utf8')),
  );
  return files.join('\n');
}

const corpus = readCorpus();
const long = corpus.repeat(Math.ceil(1_200_000 / corpus.length));
const scanner = createScanner();
const keywords = [
  ...new Set(
    DETECTORS.flatMap((d) => (d.kind === 'token' ? d.keywords : d.kind === 'assigned' ? d.names : d.context)),
  ),
];
const automaton = new KeywordAutomaton(keywords);
const expressions = DETECTORS.map(({ pattern }) => new RegExp(pattern, 'g'));

const ways: Record<string, (text: string) => void> = {
  scan: (text) => void scanner.scan(text),
  keywords: (text) => automaton.search(text, () => {}),
  'one by one': (text) => {
    for (const expression of expressions) for (const _ of text.matchAll(expression));
  },
};

/** Milliseconds of each way over fresh pieces of the text, the ways interleaved. */
function measure(size: number, rounds: number): Record<string, number[]> {
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  for (let round = 0; round < rounds; round++) {
    const start = (round * 7_919) % (long.length - size);
    // A flat string of its own, as a request's body is; a slice would be a view on the whole.
    const text = Buffer.from(long.slice(start, start + size)).toString();
    for (const [way, run] of Object.entries(ways)) {
      if (way === 'one by one' && round % 10 !== 0) continue;
      const before = performance.now();
      run(text);
      times[way]?.push(performance.now() - before);
    }
  }
  return times;
}

measure(10_000, ROUNDS);
const sizes = {
  '4 kB': measure(4_096, ROUNDS),
  '10 kB': measure(10_240, ROUNDS),
  '500 kB': measure(512_000, 20),
};
const middle = (size: keyof typeof sizes, way: string): number => median(sizes[size][way] ?? []);
printTable(
  ['', 'median ms', 'p90 ms', 'MB/s'],
  Object.entries(sizes).flatMap(([size, times]) =>
    Object.entries(times).map(([way, values]) => [
      `${size}, ${way}`,
      median(values).toFixed(3),
      percentile(values, 0.9).toFixed(3),
      ({ '4 kB': 4_096, '10 kB': 10_240, '500 kB': 512_000 }[size] ?? 0) / 1_000 / median(values),
    ]),
  ),
);
console.log(
  `\n  ${DETECTORS.length} detectors, ${keywords.length} keywords. Floor: the keyword search alone.\n`,
);
const format = (value: number): number => Math.round(value * 10_000) / 10_000;
printResult({
  bench: 'dlp',
  figures: {
    scan_4kb_p50_ms: format(middle('4 kB', 'scan')),
    scan_10kb_p50_ms: format(middle('10 kB', 'scan')),
    scan_4kb_p50_us: 1_000 * middle('4 kB', 'scan'),
    mb_per_s: 512 / middle('500 kB', 'scan'),
    floor_mb_per_s: 512 / middle('500 kB', 'keywords'),
    one_by_one_4kb_p50_ms: middle('4 kB', 'one by one'),
  },
  ratios: {
    scan_4kb_vs_floor: middle('4 kB', 'scan') / middle('4 kB', 'keywords'),
    one_by_one_vs_scan_4kb: middle('4 kB', 'one by one') / middle('4 kB', 'scan'),
  },
});
