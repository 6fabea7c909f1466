/** Recall and false positives on labelled texts: the copied ones, or the files of a folder given as argument. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { printResult, printTable } from '../../../bench/lib/report.ts';
import { createScanner, DETECTORS, type Finding, IDENTIFIERS, type Scanner } from '../src/index.ts';

interface LabelledText {
  id: string;
  text: string;
  expected: { type: string; match: string }[];
}

/** Labels of one kind, and how many of them each way of scanning found. */
interface Tally {
  labels: number;
  found: number;
  foundByThorough: number;
}

const folder =
  process.argv.slice(2).find((argument) => !argument.startsWith('-')) ??
  fileURLToPath(new URL('../testdata', import.meta.url));
const missedShown = process.argv.includes('--missed');
/** What runs without configuration. */
const scanner = createScanner();
/** With everything switched on that a policy can switch on: for tables of data, too loud for prose. */
const thorough = createScanner({
  detectors: [...DETECTORS, ...IDENTIFIERS],
  loneNumbers: 'any',
  publishedAddresses: 'find',
});

function read(file: string): LabelledText[] {
  const lines = gunzipSync(readFileSync(join(folder, file)))
    .toString()
    .trim()
    .split('\n');
  return lines.map((line): LabelledText => JSON.parse(line));
}

/** A label counts as found when a finding covers part of where it stands. */
function isFound(text: string, match: string, findings: readonly Finding[]): boolean {
  for (let at = text.indexOf(match); at !== -1; at = text.indexOf(match, at + 1))
    if (findings.some(({ start, end }) => start < at + match.length && end > at)) return true;
  return false;
}

function describe(text: string, { detector, start, end }: Finding): string {
  const before = JSON.stringify(text.slice(Math.max(0, start - 25), start));
  return `${detector} ${before} ${JSON.stringify(text.slice(start, Math.min(end, start + 90)))}`;
}

/** Counts labels by kind and negatives with findings. */
function judge(texts: readonly LabelledText[], way: Scanner, shown: boolean) {
  const kinds = new Map<string, { labels: number; found: number }>();
  let [clean, fired] = [0, 0];
  for (const { id, text, expected } of texts) {
    const findings = way.scan(text);
    if (expected.length === 0) {
      clean++;
      if (findings.length > 0) fired++;
      if (findings.length > 0 && shown)
        console.log('FIRED', id, findings.map((finding) => describe(text, finding)).join(' | '));
    }
    for (const { type, match } of expected) {
      const kind = kinds.get(type) ?? { labels: 0, found: 0 };
      kinds.set(type, kind);
      kind.labels++;
      if (isFound(text, match, findings)) kind.found++;
      else if (shown)
        console.log(
          'MISSED',
          id,
          type,
          JSON.stringify(match.slice(0, 80)),
          JSON.stringify(text.slice(0, 160)),
        );
    }
  }
  return { kinds, clean, fired };
}

const figures: Record<string, number> = {};
const rows: (string | number)[][] = [];
for (const file of readdirSync(folder).filter((name) => name.endsWith('.jsonl.gz'))) {
  const source = file.replace('.jsonl.gz', '');
  const texts = read(file);
  const usual = judge(texts, scanner, missedShown);
  const all = judge(texts, thorough, false);
  const tallies = new Map<string, Tally>();
  for (const [kind, { labels, found }] of usual.kinds)
    tallies.set(kind, { labels, found, foundByThorough: all.kinds.get(kind)?.found ?? 0 });
  const sum = (pick: (tally: Tally) => number): number =>
    [...tallies.values()].reduce((total, tally) => total + pick(tally), 0);
  const labels = sum((tally) => tally.labels);
  const percent = (pick: (tally: Tally) => number) => (100 * sum(pick)) / labels;
  const recall = percent(({ found }) => found);
  const recallOfThorough = percent(({ foundByThorough }) => foundByThorough);
  rows.push([
    source,
    labels,
    ...(labels === 0 ? ['–', '–'] : [recall, recallOfThorough]),
    usual.clean,
    usual.fired,
    all.fired,
  ]);
  if (labels > 0) {
    figures[`${source}_recall_percent`] = recall;
    figures[`${source}_thorough_recall_percent`] = recallOfThorough;
  }
  figures[`${source}_firings_on_negatives`] = usual.fired;
  figures[`${source}_thorough_firings_on_negatives`] = all.fired;
  const missed = [...tallies].filter(([, tally]) => tally.found < tally.labels);
  if (missed.length > 0) {
    console.log(`  ${source}: kinds that are not found whole (${tallies.size - missed.length} others are)`);
    printTable(
      ['kind', 'labels', 'found', 'thorough'],
      missed.map(([kind, tally]) => [kind, tally.labels, tally.found, tally.foundByThorough]),
    );
    console.log();
  }
}
printTable(['source', 'labels', 'recall %', 'thorough %', 'negatives', 'fired', 'thorough fired'], rows);
console.log(
  '\n  Negatives of gitleaks and presidio are of one type each: another detector may rightly fire there.' +
    '\n  Thorough: identifiers (addresses of machines, links, dates), lone numbers without checksum, published addresses.\n',
);
printResult({ bench: 'dlp-accuracy', figures, ratios: {} });
