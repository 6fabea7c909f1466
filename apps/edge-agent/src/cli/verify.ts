import { readFileSync } from 'node:fs';
import { type ExportReport, verifyExport } from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { trustTimeStamps } from '@raypher/ledger/time-stamp';
import { ERROR_CODES, RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { cannotRead } from '../file-fault.ts';
import { openExport } from '../ledger-export/open-export.ts';
import { reportLines } from '../ledger-export/report-lines.ts';
import { withJson } from './global-options.ts';
import { print } from './output.ts';
import { ProgressLine } from './progress-line.ts';

/** Keys and checkpoints are a few hundred bytes; a checkpoint with 16 signatures has at most some thousand. */
const MAX_TEXT_BYTES = 1024 * 1024;

const EXIT = {
  VERIFIED: 0,
  CONSISTENT: ERROR_CODES['ledger/key-not-given'].exit,
  CORRUPTED: ERROR_CODES['ledger/corrupted'].exit,
} as const;

interface VerifyOptions {
  key?: string;
  since?: string;
  witness: string[];
  tsa: string[];
  organisation?: string;
  whole?: boolean;
  json?: boolean;
}

export const verifyCommand = withJson(new Command('verify'))
  .argument('<export>', 'a folder, or a zip of one')
  .option('--key <key>', "the log's key, from somewhere else than the export: as text, or a file with it")
  .option('--since <checkpoint>', 'a file with a signed checkpoint from before, which the log must contain')
  .option('--witness <key>', "a witness's key, as text or a file; may be given more than once", collect, [])
  .option(
    '--tsa <file>',
    'a root certificate of a time stamping authority, PEM; may be given more than once',
    collect,
    [],
  )
  .option('--organisation <id>', 'the organisation that the export shall be of')
  .option(
    '--whole',
    'the export shall have every entry of the log; without it, it may say that it has a part',
  )
  .addHelpText(
    'after',
    `
Needs no enrolment, no network and no privileges. Without --key it can only say that nothing in the export
contradicts itself: whoever made it may have signed it, too. Without --since nobody can tell that the end of the log
was cut off. docs/ledger-format.md describes the format, for those who would rather check it themselves.

Examples:
  raypher verify export.zip --key log.vkey
  raypher verify /mnt/audit/2026-11 --key log.vkey --since checkpoint-of-october --whole
  raypher verify export.zip --key log.vkey --witness witness.vkey --json | jq .coverage
  raypher verify export.zip --key log.vkey --tsa authority.pem

Exit codes: 0 verified, 2 not an export, none of its entries in it, or not a key, 3 not permitted, 4 no such file,
8 CORRUPTED, 12 nothing is wrong, but no key was given.`,
  )
  .action(async (path: string, options: VerifyOptions) => {
    // Until there is a verdict: however this ends, it does not end well.
    process.exitCode = EXIT.CORRUPTED;
    const opened = await openExport(path);
    const progress = new ProgressLine('entries', process.stderr);
    try {
      const report = await verifyExport(opened.reader, {
        primitives: nodePrimitives,
        witnesses: options.witness.map(readKey),
        ...(options.tsa.length === 0 ? {} : { timeStamping: trustTimeStamps(options.tsa.map(readText)) }),
        onProgress: (done, size) => progress.show(done, size),
        ...(options.key === undefined ? {} : { vkey: readKey(options.key) }),
        ...(options.since === undefined ? {} : { checkpoint: readText(options.since) }),
        ...(options.organisation === undefined ? {} : { organisation: options.organisation }),
        whole: options.whole === true,
      });
      progress.clear();
      if (report.verdict !== 'CORRUPTED') requireEntries(report);
      process.exitCode = EXIT[report.verdict];
      print(report, options.json === true, () => reportLines(report, options.since !== undefined));
    } catch (error) {
      progress.clear();
      throw usageError(error);
    } finally {
      opened.close();
    }
  });

/** The manifest may say that it has none of the entries: then nothing is wrong with them, and nothing is proven. */
function requireEntries({ counts, size }: ExportReport): void {
  if (counts.entries > 0 || size === 0) return;
  throw new RaypherError(
    'request/invalid',
    `The log has ${size} entries, and none of them is in this export.`,
    {
      hint: 'Nothing was verified. Ask for an export that has them.',
    },
  );
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** A key has two plus signs and eight digits between them; a file is what does not look like one. */
function readKey(keyOrFile: string): string {
  const text = /^[^+\s]+\+[0-9a-f]{8}\+/.test(keyOrFile) ? keyOrFile : readText(keyOrFile);
  return text.trim();
}

function readText(path: string): string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > MAX_TEXT_BYTES) throw new RaypherError('request/invalid', `${path} is too long.`);
    return bytes.toString('utf8');
  } catch (error) {
    if (error instanceof RaypherError) throw error;
    throw cannotRead(path, error, 'a file of text');
  }
}

/** What the verifier throws is about the keys and checkpoints it was given; what is wrong with the export it reports. */
function usageError(error: unknown): unknown {
  if (!(error instanceof RaypherError) || error.code !== 'ledger/malformed') return error;
  const { message, hint } = error;
  return new RaypherError('request/invalid', message, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
