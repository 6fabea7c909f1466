import type { LedgerEntry } from '@raypher/shared';

/** An entry before it has its place in the chain. */
export type EventDraft = Omit<LedgerEntry, 'v' | 'organisation' | 'device' | 'seq' | 'prev' | 'at'>;

const EDGE_AGENT = { kind: 'edge-agent', id: '', name: 'raypher' } as const;

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
