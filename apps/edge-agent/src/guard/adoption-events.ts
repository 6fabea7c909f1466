import type { AiAgent } from '@raypher/shared';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import type { AdoptedAgent, AdoptedMember } from './adopted-agent.ts';

/** A process that stays where it is, and why. */
export interface Spared {
  pid: number;
  name: string;
  reason: string;
}

export function adoptedEvent(agent: AiAgent, row: AdoptedAgent, moved: readonly AdoptedMember[]): EventDraft {
  return {
    type: 'guard.adopted',
    severity: 'notice',
    actor: EDGE_AGENT,
    action: 'adopt',
    target: agent.name,
    data: {
      agent: agent.id,
      group: row.group,
      processes: moved.length,
      pids: moved.map(({ pid, name }) => `${pid} ${name}`),
      from: [...new Set(moved.map(({ cgroup }) => cgroup))],
      limits: Object.entries(row.limits).map(([file, value]) => `${file} ${value}`),
    },
  };
}

export function notAdoptedEvent(agent: AiAgent, reason: string, processes: readonly Spared[]): EventDraft {
  return {
    type: 'guard.not-adopted',
    severity: 'warning',
    actor: EDGE_AGENT,
    action: 'leave where it is',
    target: agent.name,
    data: {
      agent: agent.id,
      reason,
      processes: processes.length,
      pids: processes.map(({ pid, name }) => `${pid} ${name}`),
    },
  };
}

export function releasedEvent(
  row: AdoptedAgent,
  reason: string,
  processes: number,
  displaced: readonly string[],
): EventDraft {
  return {
    type: 'guard.released',
    severity: displaced.length > 0 ? 'warning' : 'notice',
    actor: EDGE_AGENT,
    action: 'release',
    target: row.label,
    data: { agent: row.agent, group: row.group, reason, processes, displaced: [...displaced] },
  };
}
