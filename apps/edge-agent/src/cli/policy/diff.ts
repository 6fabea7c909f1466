import {
  type ActionRequest,
  changeInWords,
  compilePolicy,
  type DecisionChange,
  diffPolicies,
  type LayeredDocument,
  POLICY_LAYERS,
  type PolicyLayer,
  type ReplayedDiff,
  recordedRequests,
  replayable,
  replayPolicies,
} from '@raypher/policy';
import { LedgerEntry, RaypherError } from '@raypher/shared';
import { Command, InvalidArgumentError } from 'commander';
import { type GlobalOptions, withGlobalOptions, withJson } from '../global-options.ts';
import { count, print, printable } from '../output.ts';
import { type LayerFile, layerOption, readPolicy, readSource, withLayersOption } from './policy-file.ts';
import { askEntries, askPolicy } from './policy-in-force.ts';

interface DiffOptions extends GlobalOptions {
  layer: PolicyLayer;
  with: LayerFile[];
  events?: string;
  last: number;
  wouldBe: boolean;
  replay: boolean;
}

export const diffCommand = withJson(withGlobalOptions(new Command('diff')))
  .description('show what changes from one policy to another, replayed over recorded events')
  .argument(
    '<documents...>',
    'the old and the new document; or the new one alone, against the policy in force',
  )
  .addOption(layerOption())
  .addOption(withLayersOption())
  .option(
    '--events <file>',
    'events from a file, one JSON object a line, as `raypher logs --json` prints them',
  )
  .option('--last <number>', 'how many of the newest entries of this device are replayed', parseLast, 10_000)
  .option('--would-be', 'compare what is decided, also where a layer only monitors', false)
  .option('--no-replay', 'compare the documents alone')
  .addHelpText(
    'after',
    `
Limits of spending are not replayed: what was spent at the time is not recorded with the events.

Examples:
  raypher policy diff new.yaml
  raypher policy diff old.yaml new.yaml --events events.ndjson
  raypher policy diff old.yaml new.yaml --no-replay

Exit codes: 0 compared (whatever differs), 2 usage, 3 not permitted, 4 no file, 7 the service is not running,
9 a document has mistakes.`,
  )
  .action(async (files: string[], options: DiffOptions) => {
    const { before, after } = await documentsOf(files, options);
    const changes = diffPolicies(before, after);
    const replayed = options.replay ? await replay(before, after, options) : undefined;
    print({ changes, replayed: replayed ?? null }, options.json === true, () => [
      ...(changes.length === 0
        ? ['The documents say the same.']
        : changes.map((change) => printable(`${change.layer}: ${changeInWords(change)}`))),
      ...(replayed === undefined ? [] : ['', ...replayLines(replayed)]),
    ]);
  });

async function documentsOf(
  files: readonly string[],
  options: DiffOptions,
): Promise<{ before: readonly LayeredDocument[]; after: readonly LayeredDocument[] }> {
  const [first, second, ...more] = files;
  if (first === undefined || more.length > 0) {
    throw new RaypherError('request/invalid', 'Two documents are compared, or one with the policy in force.');
  }
  const { layer } = options;
  if (second === undefined) {
    const { documents } = await askPolicy(options);
    const changed = [readPolicy({ layer, file: first }), ...options.with.map(readPolicy)];
    const kept = documents.filter((one) => !changed.some(({ layer: other }) => other === one.layer));
    return { before: documents, after: inOrder([...kept, ...changed]) };
  }
  const others = options.with.map(readPolicy);
  return {
    before: inOrder([readPolicy({ layer, file: first }), ...others]),
    after: inOrder([readPolicy({ layer, file: second }), ...others]),
  };
}

function inOrder(documents: readonly LayeredDocument[]): LayeredDocument[] {
  return POLICY_LAYERS.flatMap((layer) => documents.filter((one) => one.layer === layer));
}

async function replay(
  before: readonly LayeredDocument[],
  after: readonly LayeredDocument[],
  options: DiffOptions,
): Promise<ReplayedDiff & { entries: number }> {
  const entries =
    options.events === undefined ? await askEntries(options, options.last) : readEvents(options.events);
  const [from, to] = [before, after].map((documents) =>
    compilePolicy({ revision: 0, layers: documents.map(replayable) }),
  );
  if (from === undefined || to === undefined) throw new TypeError('two policies are compared');
  const diff = replayPolicies(from, to, recordedRequests(entries), { wouldBe: options.wouldBe });
  return { entries: entries.length, ...diff };
}

function readEvents(file: string): LedgerEntry[] {
  return readSource(file)
    .split('\n')
    .flatMap((line, at) => {
      if (line.trim() === '') return [];
      const read = LedgerEntry.safeParse(jsonOf(line));
      if (read.success) return [read.data];
      throw new RaypherError('request/invalid', `${file}:${at + 1}: this line is not an entry of a ledger.`, {
        hint: 'Write the file with `raypher logs -n 10000 --json`.',
      });
    });
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function replayLines({
  entries,
  requests,
  unchanged,
  changes,
}: ReplayedDiff & { entries: number }): string[] {
  const changed = requests - unchanged;
  const summary = `Replayed ${count(requests, 'request')} from ${count(entries, 'entry', 'entries')}: ${
    changed === 0 ? 'none would be decided differently.' : `${changed} would be decided differently.`
  }`;
  return [printable(summary), ...changes.flatMap(changeLines)];
}

function changeLines(change: DecisionChange): string[] {
  const { before, after, ruleBefore, ruleAfter, direction, examples } = change;
  return [
    '',
    `${count(change.count, 'request')} ${direction}: ${before} by ${ruleBefore} → ${after} by ${ruleAfter}`,
    ...examples.map((request) => `  ${requestText(request)}`),
  ].map(printable);
}

/** A request in a line. */
function requestText(request: ActionRequest): string {
  const { action, agent } = request;
  const who = agent?.name === undefined || agent.name === '' ? '' : `, AI agent ${agent.name}`;
  const when = request.at === undefined ? '' : ` at ${new Date(request.at).toISOString()}`;
  return `${action} ${targetOf(request)}${who}${when}`;
}

function targetOf(request: ActionRequest): string {
  switch (request.action) {
    case 'network.connect':
    case 'model.call':
      return `${request.host}:${request.port}${request.model ? ` (${request.model})` : ''}`;
    case 'process.exec':
      return request.command;
    case 'tool.call':
      return request.tool;
    case 'package.install':
      return request.package;
    case 'data.out':
    case 'data.in':
      return request.findings?.map(({ detector }) => detector).join(', ') ?? 'not scanned';
    default:
      return request.path;
  }
}

function parseLast(text: string): number {
  const lines = Number(text);
  if (!Number.isInteger(lines) || lines < 1 || lines > 10_000)
    throw new InvalidArgumentError('Up to 10000 entries can be replayed.');
  return lines;
}
