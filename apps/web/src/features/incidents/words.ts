import type { Incident, IncidentOutcome, IncidentStatus } from '@raypher/shared/rest';
import { plural } from '../../lib/format/format.ts';

export const OUTCOME_WORDS: Record<IncidentOutcome, string> = {
  block: 'Blocked',
  redact: 'Redacted',
  prompt: 'Asked',
  alert: 'Recorded',
  allow: 'Passed',
};

export const STATUS_WORDS: Record<IncidentStatus, string> = {
  open: 'Open',
  acknowledged: 'Acknowledged',
  resolved: 'Resolved',
  'false-positive': 'False positive',
};

/** Classes of data that detectors name; policies may name more. */
export const CLASSES = [
  'credential',
  'payment',
  'national-id',
  'contact',
  'person',
  'health',
  'wallet',
  'unknown-secret',
  'custom',
] as const;

/** @example classWord('national-id') // "National id" */
export function classWord(name: string): string {
  const text = name.replaceAll('-', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What happened, in one sentence. */
export function sentence(incident: Incident): string {
  const { agent, direction, classes, host, outcome, wouldBlock, occurrences } = incident;
  const data = classes.map((name) => classWord(name).toLowerCase()).join(', ') || 'sensitive';
  const way = direction === 'out' ? `sent data (${data}) to ${host}` : `received data (${data}) from ${host}`;
  const often = occurrences === 1 ? 'once' : plural(occurrences, 'time');
  const done = {
    block: 'It was blocked.',
    redact: 'The data was replaced by placeholders; the rest of the message passed.',
    prompt: 'A person was asked.',
    alert: 'It passed and was recorded.',
    allow: 'It passed.',
  }[outcome];
  const monitor = wouldBlock ? ' A policy that only monitors would have blocked it.' : '';
  return `${agent.name} ${way}, ${often}. ${done}${monitor}`;
}
