import { z } from 'zod';
import { Severity } from '../events.ts';
import { PageQuery, Reason, Timestamp } from './common.ts';
import { EventView } from './record.ts';

export const IncidentStatus = z.enum(['open', 'acknowledged', 'resolved', 'false-positive']);
export type IncidentStatus = z.infer<typeof IncidentStatus>;

/** What was carried out with a message that held sensitive data. */
export const IncidentOutcome = z.enum(['block', 'redact', 'alert', 'prompt', 'allow']);
export type IncidentOutcome = z.infer<typeof IncidentOutcome>;

/** The same data, sent by the same AI agent to the same host with the same outcome. */
export const Incident = z.object({
  id: z.uuid(),
  deviceId: z.uuid(),
  hostname: z.string(),
  simulated: z.boolean(),
  /** `id` is empty for a process that is no known AI agent. */
  agent: z.object({ id: z.string(), name: z.string(), user: z.string() }),
  direction: z.enum(['out', 'in']),
  host: z.string(),
  provider: z.string(),
  model: z.string(),
  classes: z.array(z.string()),
  detectors: z.array(z.string()),
  places: z.array(z.string()),
  outcome: IncidentOutcome,
  /** It passed because a policy layer only monitors. */
  wouldBlock: z.boolean(),
  severity: Severity,
  /** Pieces of data in one message, the most so far. */
  findings: z.number().int(),
  occurrences: z.number().int(),
  firstAt: Timestamp,
  lastAt: Timestamp,
  lastSeq: z.number().int(),
  status: IncidentStatus,
  assignee: z.string().nullable(),
  resolvedAt: Timestamp.nullable(),
  resolvedBy: z.string().nullable(),
});
export type Incident = z.infer<typeof Incident>;

export const IncidentFilter = z.object({
  /** `active`: open or acknowledged. */
  status: z.enum(['active', ...IncidentStatus.options]).optional(),
  class: z.string().max(64).optional(),
  outcome: IncidentOutcome.optional(),
  severity: Severity.optional(),
  device: z.uuid().optional(),
  agent: z.string().max(128).optional(),
  host: z.string().max(256).optional(),
  /** Last seen in this time. */
  from: Timestamp.optional(),
  to: Timestamp.optional(),
});
export type IncidentFilter = z.infer<typeof IncidentFilter>;
export const IncidentQuery = PageQuery.extend(IncidentFilter.shape);
export type IncidentQuery = z.infer<typeof IncidentQuery>;

/** A masked piece of data, a few characters at both ends. */
export const MaskedSample = z.object({ detector: z.string(), sample: z.string() });
export type MaskedSample = z.infer<typeof MaskedSample>;

export const IncidentOccurrence = z.object({
  /** Its ledger entry, as the list of events shows it. */
  event: EventView,
  /** Samples that are still there. */
  samples: z.array(MaskedSample),
  /** When they will be erased; null when there are none. */
  samplesUntil: Timestamp.nullable(),
  /** When they were erased; null when they are there or never were. */
  erasedAt: Timestamp.nullable(),
});
export type IncidentOccurrence = z.infer<typeof IncidentOccurrence>;

export const IncidentChange = z.object({
  at: Timestamp,
  by: z.string(),
  status: IncidentStatus,
  note: z.string(),
});

/** GET /v1/incidents/{id} */
export const IncidentDetail = Incident.extend({
  /** Newest first, at most 50. */
  recent: z.array(IncidentOccurrence),
  /** Oldest first. */
  changes: z.array(IncidentChange),
  /** Who decided about the newest occurrence. */
  verdict: z
    .object({
      rule: z.string(),
      layer: z.string(),
      reason: z.string(),
      mode: z.string(),
      revision: z.number().int(),
    })
    .nullable(),
  /** For the policy editor: what would let exactly this pass. Nothing applies it. Null where no document decided. */
  exception: z.string().nullable(),
});
export type IncidentDetail = z.infer<typeof IncidentDetail>;

export const UpdateIncident = z.strictObject({
  status: IncidentStatus,
  note: z.string().trim().max(1000).default(''),
  /** Null takes it from whoever has it; left out, it stays. */
  assignee: z.string().trim().min(1).max(256).nullable().optional(),
});
export type UpdateIncident = z.infer<typeof UpdateIncident>;

export const AcknowledgeIncidents = z.strictObject({
  ids: z.array(z.uuid()).min(1).max(500),
  note: z.string().trim().max(1000).default(''),
});
export type AcknowledgeIncidents = z.infer<typeof AcknowledgeIncidents>;
export const AcknowledgedIncidents = z.object({ acknowledged: z.number().int() });

export const EraseSamples = z.strictObject({ reason: Reason });
export type EraseSamples = z.infer<typeof EraseSamples>;
export const ErasedSamples = z.object({ erased: z.number().int() });

/** GET /v1/incidents/trend: how many incidents began on each day, by class of data and outcome. */
export const IncidentTrend = z.object({
  days: z.array(
    z.object({
      /** UTC, YYYY-MM-DD. */
      day: z.string(),
      /** An incident with data of two classes counts in both. */
      classes: z.record(z.string(), z.number().int()),
      outcomes: z.partialRecord(IncidentOutcome, z.number().int()),
    }),
  ),
});
export type IncidentTrend = z.infer<typeof IncidentTrend>;

/** How long masked samples are kept unless an organisation says otherwise, days. */
export const DEFAULT_RETENTION_DAYS = 30;
export const MAX_RETENTION_DAYS = 365;

/** GET /v1/settings/retention: how long masked samples and the like are kept. */
export const PrivateRetention = z.object({
  days: z.number().int(),
  updatedAt: Timestamp.nullable(),
  updatedBy: z.string().nullable(),
});
export type PrivateRetention = z.infer<typeof PrivateRetention>;
export const UpdateRetention = z.strictObject({
  days: z.number().int().min(1).max(MAX_RETENTION_DAYS),
  reason: Reason,
});
export type UpdateRetention = z.infer<typeof UpdateRetention>;
