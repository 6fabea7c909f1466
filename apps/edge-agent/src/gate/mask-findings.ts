import { createScanner, type Scanner } from '@raypher/dlp';
import { maskText } from '../discovery/mask.ts';

/** What is longer is cut before it is looked through: it is for a record. */
const LONGEST = 2048;

let scanner: Scanner | undefined;

/** A text for records: without anything that a detector knows, nor what looks like a credential. */
export function maskFindings(text: string): string {
  const whole = text.slice(0, LONGEST);
  scanner ??= createScanner();
  let masked = '';
  let end = 0;
  for (const finding of scanner.scan(whole).toSorted((a, b) => a.start - b.start)) {
    if (finding.start < end) continue;
    masked += `${whole.slice(end, finding.start)}***`;
    end = finding.end;
  }
  // That something is missing must be seen: what is dangerous could stand there.
  const rest = text.length > LONGEST ? '…' : '';
  return maskText(masked + whole.slice(end)) + rest;
}
