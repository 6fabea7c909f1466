import { createHash } from 'node:crypto';
import { canonicalBytes } from '@raypher/ledger';
import { IncidentOutcome } from '@raypher/shared/rest';
import { z } from 'zod';
import type { FollowedRow } from './placed-batch.ts';
import { plainText } from './plain-text.ts';

/** Entries that tell of sensitive data. */
export const INCIDENT_TYPE = 'dlp.found';

/** Sensitive data in one message, as a `dlp.found` entry tells it, fit for the database. */
export interface IncidentSighting {
  /** SHA-256 over what makes two sightings the same incident, hex. */
  fingerprint: string;
  organisation_id: string;
  device_id: string;
  actor_kind: string;
  agent_id: string;
  agent_name: string;
  user_name: string;
  direction: 'out' | 'in';
  host: string;
  provider: string;
  model: string;
  classes: string[];
  detectors: string[];
  places: string[];
  outcome: IncidentOutcome;
  would_block: boolean;
  severity: string;
  findings: number;
  seq: number;
  occurred_at: string;
  had_private: boolean;
}

const text = (most: number) =>
  z
    .string()
    .catch('')
    .transform((value) => plainText(value, most));
const texts = z
  .array(z.string())
  .catch([])
  .transform((values) => [...new Set(values.slice(0, 64).map((value) => plainText(value, 64)))].sort());

/** Devices are believed about themselves only: whatever one writes here is an incident of some form, never an error. */
const FoundData = z.object({
  direction: z.enum(['out', 'in']).catch('out'),
  host: text(256),
  provider: text(64),
  model: text(256),
  outcome: IncidentOutcome.catch('allow'),
  wouldBlock: z.boolean().catch(false),
  classes: texts,
  detectors: texts,
  places: texts,
  hashes: texts,
  count: z.number().int().min(1).max(1_000_000).catch(1),
});

/** @returns undefined for an entry of another type */
export function incidentSighting(row: FollowedRow): IncidentSighting | undefined {
  const { entry, organisationId, deviceId } = row;
  if (entry.type !== INCIDENT_TYPE) return undefined;
  const data = FoundData.parse(entry.data);
  const { actor } = entry;
  const agentName = plainText(actor.name, 256);
  const same = {
    organisation: organisationId,
    device: deviceId,
    // The pid of a process that is no known AI agent stands in its name, and changes.
    agent: actor.kind === 'ai-agent' ? plainText(actor.id, 128) : '',
    direction: data.direction,
    host: data.host,
    outcome: data.outcome,
    classes: data.classes,
    detectors: data.detectors,
    hashes: data.hashes,
  };
  return {
    fingerprint: createHash('sha256').update(canonicalBytes(same)).digest('hex'),
    organisation_id: organisationId,
    device_id: deviceId,
    actor_kind: actor.kind,
    agent_id: plainText(actor.id, 128),
    agent_name: agentName,
    user_name: plainText(actor.user ?? '', 128),
    direction: data.direction,
    host: data.host,
    provider: data.provider,
    model: data.model,
    classes: data.classes,
    detectors: data.detectors,
    places: data.places,
    outcome: data.outcome,
    would_block: data.wouldBlock,
    severity: entry.severity,
    findings: data.count,
    seq: entry.seq,
    occurred_at: new Date(entry.at).toISOString(),
    had_private: row.hasPrivate,
  };
}
