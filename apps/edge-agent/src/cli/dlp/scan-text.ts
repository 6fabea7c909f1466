import { randomBytes } from 'node:crypto';
import { extname } from 'node:path';
import {
  enrichInspection,
  type InspectedPart,
  inspectBody,
  type Obstacle,
  recordFinding,
  ruleRecogniser,
} from '@raypher/dlp';
import { asksAbout, decide, type PolicySnapshot } from '@raypher/policy';
import { Command, Option } from 'commander';
import { type DataOutcome, decided } from '../../proxy/data-decision.ts';
import { DataGuard } from '../../proxy/data-guard.ts';
import { isObstacle } from '../../proxy/inspect-outgoing.ts';
import { GUESSES } from '../../recogniser/names.ts';
import { withJson } from '../global-options.ts';
import { count, print, table } from '../output.ts';
import { readSnapshot } from '../policy/policy-file.ts';
import { readInput } from './read-input.ts';

interface ScanTextOptions {
  json?: boolean;
  policy?: string;
  direction: 'out' | 'in';
  host?: string;
  names?: boolean;
}

interface Found {
  /** Masked. */
  sample: string;
  detector: string;
  class: string;
  severity: string;
  confidence: number;
  /** Of the text it stands in, from 1; 0 where that is a part of something. */
  line: number;
  /** JSON pointer and the like; empty for plain text. */
  path: string;
  /** Undefined without a policy. */
  says?: { outcome: DataOutcome; rule: string; mode: 'enforce' | 'monitor'; reason: string };
}

/** The exit code: what is worth a look is no success. */
const FOUND = 1;
/** Names are looked for without haste: nobody's call waits. */
const BUDGET_MS = 10_000;
const MOST_LINES = 500;

export const scanTextCommand = withJson(new Command('scan'))
  .description(
    'say what would be found in a text, and what a policy says about it; nothing is sent or recorded',
  )
  .argument('[file]', 'a file; - or nothing: standard input', '-')
  .option('--policy <file>', 'a policy document; says what happens to each finding, and brings detectors')
  .option('--host <host>', 'where it would be sent to, for rules about destinations')
  .option('--names', 'look for names, addresses and organisations with the built-in rules')
  .addOption(
    new Option('--direction <direction>', 'on its way to a model, or back')
      .choices(['out', 'in'])
      .default('out'),
  )
  .addHelpText(
    'after',
    `
Samples are masked: at most four characters at both ends, never more than a third.

Examples:
  raypher dlp scan notes.txt
  git diff | raypher dlp scan
  raypher dlp scan request.json --policy policy.yaml --host api.openai.com
  raypher dlp scan prompt.txt --json | jq '.findings[].detector'

Exit codes: 0 nothing found, 1 something found or not scannable, 2 too large, 3 not permitted, 4 no file,
9 mistakes in the policy.`,
  )
  .action(async (file: string, options: ScanTextOptions) => {
    const snapshot =
      options.policy === undefined ? undefined : readSnapshot([{ layer: 'global', file: options.policy }]);
    const data = new DataGuard(randomBytes(32));
    if (snapshot !== undefined) data.use(snapshot.dlp);
    const bytes = readInput(file);
    const inspection = inspectBody(bytes, CONTENT_TYPES[extname(file).toLowerCase()] ?? '', data.options);
    const wantsNames =
      options.names ??
      (snapshot !== undefined && GUESSES.some((guess) => asksAbout(snapshot, options.direction, guess)));
    const names = wantsNames
      ? await enrichInspection(inspection, ruleRecogniser, { budgetMs: BUDGET_MS })
      : undefined;
    const obstacles = inspection.obstacles.filter(isObstacle);
    const findings = inspection.parts.flatMap((part) => foundIn(part, data, snapshot, options));
    const result = {
      bytes: bytes.length,
      findings,
      unscannable: obstacles.map(({ path, reason }) => ({ path, reason })),
      unrecognised: names?.left ?? 0,
    };
    print(result, options.json === true, () => [
      ...findingLines(findings.slice(0, MOST_LINES)),
      ...(findings.length > MOST_LINES
        ? [`… and ${findings.length - MOST_LINES} more (--json has them all)`]
        : []),
      ...unscannableLines(obstacles, snapshot, options),
      findings.length === 0
        ? `Nothing was found in ${count(bytes.length, 'byte')}.`
        : `${count(findings.length, 'finding')} in ${count(bytes.length, 'byte')}.`,
    ]);
    if (findings.length > 0 || obstacles.length > 0) process.exitCode = FOUND;
  });

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.txt': 'text/plain',
  '.md': 'text/plain',
};

function foundIn(
  part: InspectedPart,
  data: DataGuard,
  snapshot: PolicySnapshot | undefined,
  options: ScanTextOptions,
): Found[] {
  return part.findings.map((finding) => {
    const { sample, detector, category, severity, confidence } = recordFinding(part.text, finding, data.hash);
    const line = part.path === '' ? part.text.slice(0, finding.start).split('\n').length : 0;
    const found: Found = { sample, detector, class: category, severity, confidence, line, path: part.path };
    if (snapshot === undefined) return found;
    const asked = [finding, ...(finding.alsoFound ?? [])];
    return {
      ...found,
      says: saysOf(
        snapshot,
        options,
        asked.map((one) => ({ class: one.category, detector: one.detector })),
      ),
    };
  });
}

function saysOf(
  snapshot: PolicySnapshot,
  { direction, host }: ScanTextOptions,
  findings: readonly { class: string; detector: string }[] | null,
): NonNullable<Found['says']> {
  const verdict = decide(snapshot, { action: `data.${direction}`, host, findings });
  const { rule, mode, reason } = verdict;
  return { outcome: decided(verdict).recorded, rule, mode, reason };
}

function findingLines(findings: readonly Found[]): string[] {
  if (findings.length === 0) return [];
  const hasPolicy = findings.some(({ says }) => says !== undefined);
  return [
    ...table(
      ['SEVERITY', 'CLASS', 'DETECTOR', 'SAMPLE', 'WHERE', ...(hasPolicy ? ['POLICY'] : [])],
      findings.map((found) => [
        found.severity,
        found.class,
        found.detector,
        found.sample,
        found.line > 0 ? `line ${found.line}` : found.path,
        ...(found.says === undefined ? [] : [saidOf(found.says)]),
      ]),
    ),
    '',
  ];
}

function saidOf({ outcome, rule, mode }: NonNullable<Found['says']>): string {
  return `${outcome} by ${rule}${mode === 'monitor' ? ' (only recorded: monitor)' : ''}`;
}

function unscannableLines(
  obstacles: readonly Obstacle[],
  snapshot: PolicySnapshot | undefined,
  options: ScanTextOptions,
): string[] {
  const [first] = obstacles;
  if (first === undefined) return [];
  const said = snapshot === undefined ? '' : `: ${saidOf(saysOf(snapshot, options, null))}`;
  return [`${count(obstacles.length, 'part')} could not be scanned (${first.reason})${said}`];
}
