import { LINK_TRANSPORTS } from '@raypher/shared';
import type { ConnectionView, EventView } from '@raypher/shared/rest';
import { z } from 'zod';

/**
 * What the two roles of the ingestor tell each other over Redis. Nothing here is needed for
 * correctness: desired state and the record live in Postgres, and sweeps repair what Redis lost.
 */

/** Counter: one more for every stream that opens. */
export const STREAM_ORDER_KEY = 'link:streams-opened';
/** api → link: something changed, look now instead of at the next sweep. */
export const NUDGE_CHANNEL = 'raypher:nudge';
/** link → api: something happened that a browser may want to see. */
export const LIVE_CHANNEL = 'raypher:live';

const organisation = z.uuid();
/** W3C Trace Context, of a change that is traced. */
const traceparent = z.string().optional();

export const Nudge = z.discriminatedUnion('topic', [
  z.object({
    topic: z.enum(['policy', 'freeze']),
    organisation,
    revision: z.number().int().min(0),
    traceparent,
  }),
  z.object({ topic: z.literal('command'), organisation, device: z.uuid(), id: z.uuid(), traceparent }),
  /** A device was approved, paused, resumed or revoked, or has left. */
  z.object({ topic: z.literal('standing'), organisation, device: z.uuid(), traceparent }),
  /** link → link: a device has opened a stream; an older one elsewhere is over. */
  z.object({ topic: z.literal('opened'), organisation, device: z.uuid(), order: z.number().int().min(1) }),
  /** Somebody watches this device until then (milliseconds since the epoch). */
  z.object({ topic: z.literal('watch'), organisation, device: z.uuid(), until: z.number() }),
  /** Somebody watches live connections until then: of all devices, of those of a team, of one. */
  z.object({
    topic: z.literal('connections'),
    organisation,
    team: z.uuid().nullable(),
    device: z.uuid().nullable(),
    until: z.number(),
    /** Whoever asks knows nothing yet: devices that are watched already tell everything once more. */
    fresh: z.boolean(),
  }),
]);
export type Nudge = z.infer<typeof Nudge>;

/** `position` is the database's; hostname is filled by the link from what it knows of the device. */
export type LiveEvent = EventView;

export type LiveMessage =
  | { kind: 'events'; organisation: string; items: LiveEvent[]; held: number }
  | {
      kind: 'presence';
      organisation: string;
      changes: { deviceId: string; connected: boolean; at: string }[];
    }
  | { kind: 'acks'; organisation: string; rolloutIds: string[] }
  | { kind: 'inventory'; organisation: string; deviceIds: string[] }
  | { kind: 'alert'; organisation: string; alertId: string }
  | { kind: 'incidents'; organisation: string }
  /** Questions of AI agents that were asked, or have ended. */
  | { kind: 'approval'; organisation: string; asked: string[]; ended: string[] }
  | { kind: 'command'; organisation: string; commandId: string }
  /** What devices told of their live connections; only while somebody watches. */
  | { kind: 'connections'; organisation: string; devices: DeviceConnections[] }
  /** Something was spent, or lent. */
  | { kind: 'spend'; organisation: string };

/** What one device told. */
export interface DeviceConnections {
  deviceId: string;
  /** What was known of this device is forgotten. */
  snapshot: boolean;
  open: ConnectionView[];
  /** Ids, of this device. */
  closed: string[];
  leftOut: string[];
  /** All that are open there. */
  total: number;
}

/**
 * Reads a live message. The channel is ours alone (Redis is password-protected), so only the
 * envelope is checked; rows were built from values that the ingest had parsed.
 *
 * @returns undefined for anything that is not one of ours.
 */
export function parseLiveMessage(text: string): LiveMessage | undefined {
  try {
    const envelope = LiveEnvelope.safeParse(JSON.parse(text));
    // The envelope names the kind; the rest was written by publishers typed with LiveMessage.
    return envelope.success ? (envelope.data as unknown as LiveMessage) : undefined;
  } catch {
    return undefined;
  }
}

const LiveEnvelope = z.looseObject({
  kind: z.enum([
    'events',
    'presence',
    'acks',
    'inventory',
    'alert',
    'approval',
    'incidents',
    'command',
    'connections',
    'spend',
  ]),
  organisation,
});

/** Hash: device id → JSON of {@link Presence}. */
export function presenceKey(organisationId: string): string {
  return `presence:${organisationId}`;
}

/** Sorted set: device id → milliseconds of the last sign of life. */
export function presenceSeenKey(organisationId: string): string {
  return `presence:${organisationId}:seen`;
}

/** Sorted set with one member for each name that the log had: origin → entries under a checkpoint that a device keeps. */
export function logFollowedKey(organisationId: string): string {
  return `log:${organisationId}:followed`;
}

/** A device counts as connected while its last sign of life is younger than this, milliseconds. */
export const PRESENCE_LEASE_MS = 90_000;

export const Presence = z.object({
  /** When this stream began; ISO, UTC. */
  since: z.string(),
  /** Newest heartbeat; ISO, UTC. */
  at: z.string(),
  /** Which link process holds the stream. */
  node: z.string(),
  /** What carries it. */
  transport: z.enum(LINK_TRANSPORTS).default('grpc'),
  connections: z.number(),
  processes: z.number(),
  aiAgents: z.number(),
  frozenProcesses: z.number(),
  queueDepth: z.number(),
  rssBytes: z.number(),
  cpuShare: z.number(),
});
export type Presence = z.infer<typeof Presence>;
