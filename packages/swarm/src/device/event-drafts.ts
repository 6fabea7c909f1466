import type { LedgerEntry } from '@raypher/shared';
import type { SeededRandom } from '../random.ts';
import type { SimulatedAiAgent } from './ai-agents.ts';

/** An entry before it has its place in the chain. */
export type EventDraft = Omit<LedgerEntry, 'v' | 'organisation' | 'device' | 'seq' | 'prev' | 'at'>;

const EDGE_AGENT = { kind: 'edge-agent', id: '', name: 'raypher' } as const;

/** A model call that passed the proxy. Nine in ten are allowed; the others are refused or would have been. */
export function modelCall(
  random: SeededRandom,
  agent: SimulatedAiAgent,
  policy: { revision: number; enforced: boolean },
): EventDraft {
  const denied = random.chance(0.08);
  const mode = policy.enforced ? 'enforce' : 'monitor';
  const blocked = denied && policy.enforced;
  return {
    type: 'network.request',
    severity: denied ? 'warning' : 'info',
    actor: {
      kind: 'ai-agent',
      id: agent.id,
      name: agent.kind.name,
      pid: agent.pids[0] ?? 0,
      user: agent.user,
    },
    action: 'call',
    target: random.pick(agent.kind.endpoints),
    verdict: {
      outcome: denied ? 'DENY' : 'ALLOW',
      mode,
      layer: 'global',
      rule: denied ? 'unapproved-destination' : 'network/default',
      reason: denied ? 'Not approved for company data.' : '',
      revision: policy.revision,
    },
    data: {
      simulated: true,
      method: 'POST',
      model: agent.kind.models[0] ?? '',
      status: blocked ? 403 : 200,
      requestBytes: random.integer(800, 24_000),
      responseBytes: blocked ? 180 : random.integer(400, 60_000),
      durationMs: blocked ? 0 : random.integer(180, 9_000),
    },
  };
}

export function agentStarted(version: string): EventDraft {
  return {
    type: 'agent.started',
    severity: 'info',
    actor: EDGE_AGENT,
    action: 'start',
    target: 'raypher',
    data: { simulated: true, version },
  };
}

export function stateApplied(kind: 'policy' | 'freeze', revision: number, affected: number): EventDraft {
  return {
    type: kind === 'policy' ? 'policy.applied' : 'freeze.applied',
    severity: 'notice',
    actor: EDGE_AGENT,
    action: `apply ${kind}`,
    target: `revision ${revision}`,
    data: { simulated: true, revision, affected },
  };
}

/** What a full queue leaves behind: telemetry was dropped, and the ledger says how much. */
export function telemetryGap(dropped: number): EventDraft {
  return {
    type: 'ledger.gap',
    severity: 'warning',
    actor: EDGE_AGENT,
    action: 'drop telemetry',
    target: 'outbound queue',
    data: { simulated: true, dropped },
  };
}
