import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import type { PostureChange } from './posture-board.ts';

const STRENGTH = { unavailable: 0, observing: 1, enforced: 2 } as const;

/**
 * Records that a capability was lost, or came back, while the service runs. What it begins with is in its report to
 * the control plane and no change. That it only observes because the policy in force asks for no more, as the first
 * one of a fresh organisation does, is a change and no loss.
 */
export function notePosture(
  { capability, before, state, reason, byPolicy = false }: PostureChange,
  record: (event: EventDraft) => void,
): void {
  if (before === undefined) return;
  const isLost = STRENGTH[state] < STRENGTH[before] && !byPolicy;
  record({
    type: 'posture.changed',
    severity: isLost ? 'warning' : 'info',
    actor: EDGE_AGENT,
    action: 'prove what it can enforce',
    target: capability,
    data: { from: before, to: state, reason, byPolicy },
  });
}
