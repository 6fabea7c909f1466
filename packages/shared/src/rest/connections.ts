import { z } from 'zod';
import { Reason, Timestamp } from './common.ts';

/** One connection through the proxy of a device, as the live view shows it. Nobody stores it. */
export const ConnectionView = z.object({
  id: z.uuid(),
  deviceId: z.uuid(),
  hostname: z.string(),
  simulated: z.boolean(),
  teamId: z.uuid().nullable(),
  openedAt: Timestamp,
  kind: z.enum(['request', 'tunnel', 'websocket']),
  process: z.object({ pid: z.number().int(), startTime: z.number() }).nullable(),
  agent: z.object({ id: z.string(), name: z.string(), user: z.string() }).nullable(),
  host: z.string(),
  port: z.number().int(),
  method: z.string(),
  path: z.string(),
  provider: z.string().nullable(),
  model: z.string().nullable(),
  outcome: z.enum(['ALLOW', 'DENY', 'PROMPT']),
  layer: z.string(),
  rule: z.string(),
  policyRevision: z.number().int(),
  bytesSent: z.number(),
  bytesReceived: z.number(),
  /** Micro-dollars so far; null where nobody knows. */
  costMicros: z.number().nullable(),
  costEstimated: z.boolean(),
  /** Masked; null for whoever may not see them. */
  asked: z.string().nullable(),
  answered: z.string().nullable(),
});
export type ConnectionView = z.infer<typeof ConnectionView>;

/** Which connections: of the organisation, or of the team of a manager; of one device; of one AI agent on it. */
export const WatchConnections = z.strictObject({
  deviceId: z.uuid().optional(),
  agentId: z.string().min(1).max(128).optional(),
});
export type WatchConnections = z.infer<typeof WatchConnections>;

/** Names a connection among those of all devices: a device can only speak about its own. */
export function connectionKey({ deviceId, id }: Pick<ConnectionView, 'deviceId' | 'id'>): string {
  return `${deviceId}:${id}`;
}

/** At most every 250 ms. */
export interface ConnectionsBatch {
  /** What was shown before is forgotten. */
  snapshot: boolean;
  /** New, or changed. */
  open: ConnectionView[];
  /** Ended; keys. */
  closed: string[];
  /** Not told any more: they may be open still, or their device cannot be reached. Keys. */
  gone: string[];
  /** All that are open, shown or not. */
  total: number;
  /** Devices that tell theirs. */
  devices: number;
}

export const CutConnection = z.strictObject({ reason: Reason });
export type CutConnection = z.infer<typeof CutConnection>;
