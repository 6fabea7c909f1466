import { type Device, DeviceStatus, IdentityClass, PostureItem } from '@raypher/shared/rest';
import { z } from 'zod';
import { Prisma } from '../generated/prisma/client.ts';
import type { Presence } from '../redis/channels.ts';

export interface DeviceRow {
  id: string;
  hostname: string;
  label: string | null;
  teamId: string | null;
  teamName: string | null;
  os: string;
  kernel: string;
  arch: string;
  agentVersion: string;
  identityClass: string;
  identityReason: string;
  keyFingerprint: Uint8Array;
  simulated: boolean;
  status: string;
  pauseReason: string | null;
  enrolledAt: Date;
  revokedAt: Date | null;
  revokeReason: string | null;
  lastSeenAt: Date | null;
  posture: unknown;
  appliedPolicy: bigint;
  appliedFreeze: bigint;
  aiAgents: bigint;
  frozenAiAgents: bigint;
}

/** The columns of a {@link DeviceRow}, from `devices d LEFT JOIN teams t`. */
export const DEVICE_COLUMNS = Prisma.sql`
  d.id, d.hostname, d.label, d.team_id AS "teamId", t.name AS "teamName", d.os, d.kernel, d.arch,
  d.agent_version AS "agentVersion", d.identity_class AS "identityClass",
  d.identity_reason AS "identityReason", d.pause_reason AS "pauseReason", d.key_fingerprint AS "keyFingerprint",
  d.simulated, d.status, d.enrolled_at AS "enrolledAt", d.revoked_at AS "revokedAt",
  d.revoke_reason AS "revokeReason", d.last_seen_at AS "lastSeenAt", d.posture,
  d.applied_policy_revision AS "appliedPolicy", d.applied_freeze_revision AS "appliedFreeze",
  (SELECT count(*) FROM ai_agents a WHERE a.device_id = d.id AND a.state <> 'gone') AS "aiAgents",
  (SELECT count(*) FROM ai_agents a WHERE a.device_id = d.id AND a.state = 'frozen') AS "frozenAiAgents"`;

// Written by the link from the agent's own report; a device that reports nonsense shows no posture at all
// rather than making the whole list unreadable.
const Posture = z.array(PostureItem).catch([]);

export function showDevice(row: DeviceRow, presence: Presence | undefined): Device {
  const status = DeviceStatus.parse(row.status);
  const live = status === 'active' ? presence : undefined;
  return {
    id: row.id,
    hostname: row.hostname,
    label: row.label,
    team: row.teamId === null || row.teamName === null ? null : { id: row.teamId, name: row.teamName },
    os: row.os,
    kernel: row.kernel,
    arch: row.arch,
    agentVersion: row.agentVersion,
    identityClass: IdentityClass.parse(row.identityClass),
    identityReason: row.identityReason,
    keyFingerprint: Buffer.from(row.keyFingerprint).toString('hex'),
    simulated: row.simulated,
    status,
    pauseReason: row.pauseReason,
    connected: live !== undefined,
    connectedSince: live?.since ?? null,
    enrolledAt: row.enrolledAt.toISOString(),
    revokedAt: row.revokedAt?.toISOString() ?? null,
    revokeReason: row.revokeReason,
    lastSeenAt: live?.at ?? row.lastSeenAt?.toISOString() ?? null,
    posture: Posture.parse(row.posture),
    applied: { policy: Number(row.appliedPolicy), freeze: Number(row.appliedFreeze) },
    aiAgents: Number(row.aiAgents),
    frozenAiAgents: Number(row.frozenAiAgents),
    live:
      live === undefined
        ? null
        : {
            processes: live.processes,
            connections: live.connections,
            queueDepth: live.queueDepth,
            rssBytes: live.rssBytes,
            cpuShare: live.cpuShare,
            at: live.at,
            transport: live.transport,
          },
  };
}
