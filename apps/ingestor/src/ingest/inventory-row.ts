import { type AiAgent, AiAgentId, type AiProcess, Digest } from '@raypher/shared';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import type { AiAgentRow } from './inventory.repository.ts';
import { plainText } from './plain-text.ts';

/** What one device may say about itself; more is cut off. */
export const MAX_AGENTS = 500;
const MAX_PROCESSES = 200;
const MAX_LIST = 100;

const RISKS = ['medium', 'high', 'critical'] as const;
const CONFIDENCES = ['full', 'partial', 'low'] as const;

/** @returns undefined when the agent has no proper id: nothing else could be tied to it. */
export function toRow(identity: DeviceIdentity, agent: AiAgent, now: number): AiAgentRow | undefined {
  if (!AiAgentId.safeParse(agent.id).success) return undefined;
  const lastSeen = clampTime(agent.lastSeenMs, now);
  return {
    organisation_id: identity.organisationId,
    device_id: identity.deviceId,
    id: agent.id,
    name: plainText(agent.name, 256),
    user_name: plainText(agent.user, 128),
    exe_path: plainText(agent.exePath, 4096),
    exe_sha256: Digest.safeParse(agent.exeSha256).success ? agent.exeSha256 : '',
    entry_script: plainText(agent.entryScript, 4096),
    libraries: plainList(agent.libraries, 128),
    models: plainList(agent.models, 128),
    signatures: plainList(agent.signatures, 64),
    risk: RISKS.find((risk) => risk === agent.risk) ?? 'medium',
    confidence: CONFIDENCES.find((confidence) => confidence === agent.confidence) ?? 'low',
    evidence: plainList(agent.evidence, 512),
    processes: agent.processes.slice(0, MAX_PROCESSES).map(toProcess),
    state: agent.frozen ? 'frozen' : 'running',
    first_seen_at: new Date(Math.min(clampTime(agent.firstSeenMs, now), lastSeen)).toISOString(),
    last_seen_at: new Date(lastSeen).toISOString(),
  };
}

function toProcess(process: AiProcess): object {
  return {
    pid: process.pid,
    ppid: process.ppid,
    // 64-bit: a decimal string survives JSON.
    startTime: process.startTime.toString(),
    name: plainText(process.name, 256),
    commandLine: plainText(process.commandLine, 4096),
    rssBytes: Number(process.rssBytes),
    cpuShare: Number.isFinite(process.cpuShare) ? Math.max(0, process.cpuShare) : 0,
    frozen: process.frozen,
  };
}

function plainList(items: readonly string[], most: number): string[] {
  return items.slice(0, MAX_LIST).map((item) => plainText(item, most));
}

/** A device's clock may be wrong; an agent was still not seen in the future or before computers. */
function clampTime(ms: bigint, now: number): number {
  const time = Number(ms);
  return time > 0 && time <= now ? time : now;
}
