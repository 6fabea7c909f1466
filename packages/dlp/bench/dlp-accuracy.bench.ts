/** Recall and false positives on labelled texts: the copied ones, or the files of a folder given as argument. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { printResult, printTable } from '../../../bench/lib/report.ts';
import { createScanner } from '../src/index.ts';

interface LabelledText {
  id: string;
  text: string;
  expected: { type: string; match: string }[];
}

const folder =
  process.argv.slice(2).find((argument) => !argument.startsWith('-')) ??
  fileURLToPath(new URL('../testdata', import.meta.url));
const missedShown = process.argv.includes('--missed');
const scanner = createScanner();

function read(file: string): LabelledText[] {
  const lines = gunzipSync(readFileSync(join(folder, file)))
    .toString()
    .trim()
    .split('\n');
  return lines.map((line): LabelledText => JSON.parse(line));
}

/** A label counts as found when a finding covers part of where it stands. */
function isFound(text: string, match: string, findings: readonly { start: number; end: number }[]): boolean {
  for (let at = text.indexOf(match); at !== -1; at = text.indexOf(match, at + 1))
    if (findings.some(({ start, end }) => start < at + match.length && end > at)) return true;
  return false;
}

const figures: Record<string, number> = {};
const rows: (string | number)[][] = [];
for (const file of readdirSync(folder).filter((name) => name.endsWith('.jsonl.gz'))) {
  const source = file.replace('.jsonl.gz', '');
  let [labels, found, clean, fired] = [0, 0, 0, 0];
  const missed = new Map<string, number>();
  for (const { id, text, expected } of read(file)) {
    const findings = scanner.scan(text);
    if (expected.length === 0) {
      clean++;
      if (findings.length > 0) fired++;
      if (findings.length > 0 && missedShown)
        console.log(
          'FIRED',
          id,
          findings
            .map(
              ({ detector, start, end }) =>
                `${detector} ${JSON.stringify(text.slice(Math.max(0, start - 25), start))} ${JSON.stringify(text.slice(start, Math.min(end, start + 90)))}`,
            )
            .join(' | '),
        );
    }
    for (const { type, match } of expected) {
      labels++;
      if (isFound(text, match, findings)) found++;
      else {
        missed.set(type, (missed.get(type) ?? 0) + 1);
        if (missedShown)
          console.log(
            'MISSED',
            id,
            type,
            JSON.stringify(match.slice(0, 80)),
            JSON.stringify(text.slice(0, 160)),
          );
      }
    }
  }
  rows.push([source, labels, labels === 0 ? '–' : (100 * found) / labels, clean, fired]);
  if (labels > 0) figures[`${source}_recall_percent`] = (100 * found) / labels;
  figures[`${source}_firings_on_negatives`] = fired;
  if (missed.size > 0)
    console.log(`  ${source}, missed: ${[...missed].map(([type, count]) => `${type} ${count}`).join(', ')}`);
}
printTable(['source', 'labels', 'recall %', 'negatives', 'fired'], rows);
console.log(
  '\n  Negatives of gitleaks and presidio are of one type each: another detector may rightly fire there.\n',
);
printResult({ bench: 'dlp-accuracy', figures, ratios: {} });
