/** Scanning 4 kB, 10 kB, 500 kB and a transcript that grows, against decoding, keyword search, and all expressions. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median, percentile, printResult, printTable } from '../../../bench/lib/report.ts';
import { createScanner, DETECTORS, hmacSha256, inspectBody, LruVerdictCache } from '../src/index.ts';
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
].filter((word) => /^[ -~]+$/.test(word));
const automaton = new KeywordAutomaton(keywords);
const expressions = DETECTORS.map(({ pattern }) => new RegExp(pattern, 'g'));

const decoder = new TextDecoder();
let bytes = new Uint8Array(0);

const ways: Record<string, (text: string) => void> = {
  decode: () => void decoder.decode(bytes),
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
    bytes = Buffer.from(long.slice(start, start + size));
    const text = decoder.decode(bytes);
    for (const [way, run] of Object.entries(ways)) {
      if (way === 'one by one' && round % 10 !== 0) continue;
      const before = performance.now();
      run(text);
      times[way]?.push(performance.now() - before);
    }
  }
  return times;
}

/** A body of about 500 kB: a transcript of `messages` messages, the last of them new. */
function transcript(messages: number, last: number): Uint8Array {
  const size = 2_500;
  const contents = Array.from({ length: messages }, (_, at) => long.slice(at * size, (at + 1) * size));
  contents.push(long.slice(last * 1_013, last * 1_013 + size));
  return Buffer.from(JSON.stringify({ messages: contents.map((content) => ({ role: 'user', content })) }));
}

/** Milliseconds for looking through a transcript: nothing remembered, and all but the last message. */
function measureTranscript(rounds: number): Record<string, number[]> {
  const times: Record<string, number[]> = { 'all anew': [], 'one new message': [] };
  const cache = new LruVerdictCache({
    hash: hmacSha256(new Uint8Array(32)),
    policyRevision: () => '',
    maxParts: 5_000,
  });
  for (let round = 0; round < rounds; round++) {
    const body = transcript(190, round);
    for (const [name, options] of [
      ['all anew', { scanner }],
      ['one new message', { scanner, cache }],
    ] as const) {
      const before = performance.now();
      inspectBody(body, 'application/json', options);
      // The first round fills the cache.
      if (round > 0) times[name]?.push(performance.now() - before);
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
const transcripts = measureTranscript(20);
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
console.log();
printTable(
  ['transcript of 500 kB', 'median ms', 'p90 ms'],
  Object.entries(transcripts).map(([name, values]) => [name, median(values), percentile(values, 0.9)]),
);
console.log(
  `\n  ${DETECTORS.length} detectors, ${keywords.length} keywords. Floors: decoding UTF-8, and the keyword search alone.\n`,
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
    transcript_500kb_ms: median(transcripts['all anew'] ?? []),
    transcript_500kb_one_new_message_ms: median(transcripts['one new message'] ?? []),
    one_by_one_4kb_p50_ms: middle('4 kB', 'one by one'),
  },
  ratios: {
    scan_10kb_vs_floor: middle('10 kB', 'scan') / middle('10 kB', 'keywords'),
    scan_4kb_vs_decoding: middle('4 kB', 'scan') / middle('4 kB', 'decode'),
    scan_4kb_vs_floor: middle('4 kB', 'scan') / middle('4 kB', 'keywords'),
    one_by_one_vs_scan_4kb: middle('4 kB', 'one by one') / middle('4 kB', 'scan'),
  },
});
