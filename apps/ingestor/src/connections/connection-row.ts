import type { LiveConnection } from '@raypher/shared';
import type { ConnectionView } from '@raypher/shared/rest';
import { z } from 'zod';
import { plainText } from '../ingest/plain-text.ts';
import type { DeviceIdentity } from '../link/device-directory.service.ts';

const Id = z.uuid();
const Kind = z.enum(['request', 'tunnel', 'websocket']);
const Outcome = z.enum(['ALLOW', 'DENY', 'PROMPT']);
/** Devices cut them off here as well. */
const PREVIEW_LENGTH = 240;

/**
 * A connection of this device as browsers see it.
 *
 * @returns undefined for one that no agent would tell
 */
export function readConnection(
  identity: DeviceIdentity,
  told: LiveConnection,
  now: number,
): ConnectionView | undefined {
  const kind = Kind.safeParse(told.kind);
  const outcome = Outcome.safeParse(told.outcome);
  if (!Id.safeParse(told.id).success || !kind.success || !outcome.success) return undefined;
  const text = (value: string, most = 128) => plainText(value, most);
  return {
    id: told.id.toLowerCase(),
    deviceId: identity.deviceId,
    hostname: identity.hostname,
    simulated: identity.simulated,
    teamId: identity.teamId,
    openedAt: new Date(Math.min(now, Math.max(0, number(told.openedAtMs)))).toISOString(),
    kind: kind.data,
    process: told.pid === 0 ? null : { pid: told.pid, startTime: number(told.processStart) },
    agent:
      told.agentId === ''
        ? null
        : { id: text(told.agentId), name: text(told.agentName), user: text(told.user) },
    host: text(told.host, 253),
    port: Math.min(told.port, 65_535),
    method: text(told.method, 32),
    path: text(told.path, 512),
    provider: text(told.provider) || null,
    model: text(told.model) || null,
    outcome: outcome.data,
    layer: text(told.layer, 32),
    rule: text(told.rule),
    policyRevision: number(told.policyRevision),
    bytesSent: number(told.bytesSent),
    bytesReceived: number(told.bytesReceived),
    costMicros: told.costMicros === undefined ? null : number(told.costMicros),
    costEstimated: told.costEstimated,
    asked: text(told.asked, PREVIEW_LENGTH),
    answered: text(told.answered, PREVIEW_LENGTH),
  };
}

function number(value: bigint): number {
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}
