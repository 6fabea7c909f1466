import { z } from 'zod';
import type { ErrorBody } from '../errors.ts';
import { EventType, Severity, VerdictOutcome } from '../events.ts';
import { PageQuery, Timestamp } from './common.ts';
import type { ConnectionsBatch, WatchConnections } from './connections.ts';
import type { Rollout } from './control.ts';

export const EventView = z.object({
  /** Order of arrival, a decimal string; the cursor of the list. */
  position: z.string(),
  deviceId: z.uuid(),
  hostname: z.string(),
  /** Of a device that is not a real machine. */
  simulated: z.boolean(),
  seq: z.number().int(),
  occurredAt: Timestamp,
  receivedAt: Timestamp,
  type: EventType,
  severity: Severity,
  actor: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
  action: z.string(),
  target: z.string(),
  outcome: VerdictOutcome.nullable(),
  mode: z.enum(['enforce', 'monitor']).nullable(),
  rule: z.string().nullable(),
  policyRevision: z.number().int().nullable(),
});
export type EventView = z.infer<typeof EventView>;
/** GET /v1/events/{device}/{seq}: the exact entry, its hash and what it chains to. */
export const EventDetail = EventView.extend({ hash: z.string(), entry: z.string() });
export type EventDetail = z.infer<typeof EventDetail>;
export const EventQuery = PageQuery.extend({
  device: z.uuid().optional(),
  type: EventType.optional(),
  outcome: VerdictOutcome.optional(),
  severity: Severity.optional(),
  agent: z.string().max(128).optional(),
  /** Of calls of models, as the ledger has them. */
  provider: z.string().max(64).optional(),
  model: z.string().max(128).optional(),
  search: z.string().max(200).optional(),
  from: Timestamp.optional(),
  to: Timestamp.optional(),
});
export type EventQuery = z.infer<typeof EventQuery>;

export const Alert = z.object({
  id: z.uuid(),
  kind: z.string(),
  subject: z.string(),
  severity: z.enum(['notice', 'warning', 'critical']),
  title: z.string(),
  detail: z.record(z.string(), z.unknown()),
  deviceId: z.uuid().nullable(),
  /** Null when it is about no device in particular. */
  hostname: z.string().nullable(),
  simulated: z.boolean(),
  occurrences: z.number().int(),
  createdAt: Timestamp,
  lastAt: Timestamp,
  resolvedAt: Timestamp.nullable(),
  resolvedBy: z.string().nullable(),
});
export type Alert = z.infer<typeof Alert>;

/** GET /v1/overview, and the `overview` live message. */
export const Overview = z.object({
  at: Timestamp,
  devices: z.object({
    total: z.number().int(),
    connected: z.number().int(),
    silent: z.number().int(),
    revoked: z.number().int(),
  }),
  aiAgents: z.object({
    total: z.number().int(),
    running: z.number().int(),
    frozen: z.number().int(),
    newToday: z.number().int(),
  }),
  /** Per capability: how many devices are in which state, with the commonest reason. */
  posture: z.array(
    z.object({
      capability: z.string(),
      enforced: z.number().int(),
      observing: z.number().int(),
      unavailable: z.number().int(),
      reason: z.string(),
    }),
  ),
  /** Minutes of the last hour, oldest first. `wouldDeny` is monitor mode. */
  verdicts: z.array(
    z.object({
      minute: Timestamp,
      allow: z.number().int(),
      deny: z.number().int(),
      wouldDeny: z.number().int(),
      prompt: z.number().int(),
    }),
  ),
  policy: z.object({
    revision: z.number().int(),
    mode: z.enum(['enforce', 'monitor', 'mixed', 'none']),
    appliedBy: z.number().int(),
  }),
  freezes: z.object({ active: z.number().int() }),
  alerts: z.object({ open: z.number().int(), critical: z.number().int() }),
  /** Questions of AI agents that people can still answer. */
  approvals: z.object({ pending: z.number().int() }),
  connections: z.number().int(),
});
export type Overview = z.infer<typeof Overview>;

/** socket.io, namespace /live: server to browser messages. The browser is in its organisation's room. */
export interface LiveMessages {
  /** At most every 250 ms; `held` counts rows that were left out of a burst. */
  events: (batch: { items: EventView[]; held: number }) => void;
  presence: (change: { deviceId: string; connected: boolean; at: string }[]) => void;
  rollout: (rollout: Rollout) => void;
  overview: (overview: Overview) => void;
  /** More was said than anybody clicks; the connection ends. */
  refused: (error: ErrorBody['error']) => void;
  alert: (alert: Alert) => void;
  /** These questions of AI agents came or ended; fetch what is on screen. */
  approval: (change: { approvalIds: string[] }) => void;
  /** Answers {@link LiveRequests.watchConnections}, and goes on until it is over. */
  connections: (batch: ConnectionsBatch) => void;
  /** The AI agents of these devices changed; fetch what is on screen. */
  inventory: (change: { deviceIds: string[] }) => void;
  /** A list on screen is out of date: a freeze, a revision, a token, a member changed. */
  changed: (change: {
    object:
      | 'policies'
      | 'freezes'
      | 'devices'
      | 'enrolment-tokens'
      | 'members'
      | 'teams'
      | 'audit'
      | 'approvals'
      | 'commands'
      | 'incidents'
      | 'settings'
      | 'spend';
  }) => void;
}
export interface LiveRequests {
  /** While a device page is open its agent reports every 5 s. */
  watch: (request: { deviceId: string }) => void;
  unwatch: (request: { deviceId: string }) => void;
  /** One view per browser tab; a new one replaces it. Devices tell their connections while anybody watches them. */
  watchConnections: (request: WatchConnections) => void;
  unwatchConnections: () => void;
}
