import type { EntryRange, ExportReport, Fault } from '@raypher/ledger';
import { printable } from '../cli/output.ts';
import { FAULT_MEANING } from './fault-meaning.ts';

const SHOWN_FAULTS = 10;

/**
 * A report for people.
 *
 * @param hasKept whether the log was held to an older checkpoint
 */
export function reportLines(report: ExportReport, hasKept: boolean): string[] {
  return [`${report.verdict}: ${verdictOf(report)}`, '', ...facts(report), ...after(report, hasKept)].map(
    printable,
  );
}

function verdictOf({ verdict, faults }: ExportReport): string {
  switch (verdict) {
    case 'VERIFIED':
      return 'every entry in it is as the log with the given key recorded it.';
    case 'CONSISTENT':
      return 'nothing in it contradicts itself. Who signed it is not proven: no key was given.';
    case 'CORRUPTED':
      return faults.total === 1
        ? '1 thing is wrong with it.'
        : `${number(faults.total)} things are wrong with it.`;
  }
}

function facts(report: ExportReport): string[] {
  const { verdict, origin, size, root, keyFrom, signedBy, counts, coverage, range } = report;
  const rows: [string, string][] = [
    ['log', origin ?? 'unknown'],
    ['size', `${number(size)} entries, root ${root ?? 'unknown'}`],
    [
      'signed by',
      `${signedBy.join(', ') || 'nobody who is known'} (key ${keyFrom === 'given' ? 'given' : 'from the export'})`,
    ],
    [
      'entries',
      `${number(counts.deviceEntries)} of ${number(counts.devices)} devices in ${number(counts.batches)} signed batches, ` +
        `${number(counts.controlEntries)} of the control plane`,
    ],
    ['private', `${number(counts.privateOpened)} parts opened, ${number(counts.privateErased)} erased`],
    ['checkpoints', number(counts.checkpoints)],
  ];
  if (counts.unsigned > 0) {
    rows.push([
      'unsigned',
      `${number(counts.unsigned)} entries at the beginning rest on the log's word alone`,
    ]);
  }
  if (counts.cut > 0) {
    rows.push([
      'cut',
      `${number(counts.cut)} entries rest on the log's word alone: what their device signed ends in the absent part`,
    ]);
  }
  // What is not as it was recorded is anchored nowhere.
  if (verdict !== 'CORRUPTED') rows.push(['anchored', anchored(coverage.witnessed, coverage.unanchored)]);
  if (verdict !== 'CORRUPTED' && coverage.seenByDevices !== undefined) {
    rows.push([
      'followed',
      `until entry ${coverage.seenByDevices.to - 1}, as ${number(counts.statementDevices)} devices signed in ` +
        `${number(counts.statements)} of these entries`,
    ]);
  }
  if (coverage.stamped !== undefined && report.stampedAt !== undefined) {
    rows.push(['stamped', `until entry ${coverage.stamped.to - 1}, which was there at ${report.stampedAt}`]);
  }
  if (counts.absent > 0 && range !== undefined) {
    const { from, to } = range;
    rows.push([
      'absent',
      `${number(counts.absent)} entries, hashes alone; it says it has those from ${from} up to ${to} (--whole wants all)`,
    ]);
  }
  return rows.map(([name, value]) => `  ${name.padEnd(12)} ${value}`);
}

function anchored(witnessed: EntryRange | undefined, unanchored: EntryRange | undefined): string {
  const tail =
    unanchored === undefined ? 'no tail' : `entries ${span(unanchored)} rest on the log's word alone`;
  return witnessed === undefined
    ? `by no witness that was given; ${tail}`
    : `until entry ${witnessed.to - 1}; ${tail}`;
}

function after(report: ExportReport, hasKept: boolean): string[] {
  const lines = report.notChecked.map((what) => `  not checked  ${what}`);
  if (report.verdict === 'CORRUPTED') return [...lines, '', ...faultLines(report)];
  if (report.verdict === 'CONSISTENT') {
    lines.push(
      '',
      'Whoever made this export may have signed it, too. Get the key of the log from your organisation, compare it with',
      `  ${report.vkey ?? ''}`,
      'and run this again with --key.',
    );
  }
  if (!hasKept)
    lines.push('', 'Whether its end was cut off can be told with a checkpoint from before: --since.');
  return lines;
}

function faultLines({ faults }: ExportReport): string[] {
  const { first, kept, total } = faults;
  const lines: string[] = [];
  if (first !== undefined) {
    lines.push(`First: ${placeOf(first)}${FAULT_MEANING[first.code]}`, '');
  }
  lines.push(
    ...kept.slice(0, SHOWN_FAULTS).map((fault) => `  ${fault.code}: ${placeOf(fault)}${fault.detail}`),
  );
  const rest = total - Math.min(kept.length, SHOWN_FAULTS);
  if (rest > 0) lines.push(`  and ${number(rest)} more; --json has the first hundred`);
  return lines;
}

/** @example 'entry 7 (entry 3 of device 4f…): ' */
function placeOf({ index, upTo, device, seq, path }: Fault): string {
  const of = device === undefined ? '' : ` (${seq === undefined ? '' : `entry ${seq} of `}device ${device})`;
  if (index === undefined) return path === undefined ? '' : `${path}: `;
  return `${upTo === undefined ? `entry ${index}` : `entries ${span({ from: index, to: upTo })}`}${of}: `;
}

function span({ from, to }: EntryRange): string {
  return to - from === 1 ? String(from) : `${from} to ${to - 1}`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}
