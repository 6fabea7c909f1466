import type { Rollout, RolloutPhase } from '@raypher/shared/rest';
import { formatDuration, plural } from '../../lib/format/format.ts';

/** Phases in the order in which a device passes them, then the two ways out. */
export const PHASES: { phase: RolloutPhase; label: string; meaning: string }[] = [
  { phase: 'pending', label: 'Pending', meaning: 'sent, nothing heard yet' },
  { phase: 'received', label: 'Acknowledged', meaning: 'the device has it' },
  { phase: 'verified', label: 'Verified', meaning: 'signature and revision are good' },
  { phase: 'applied', label: 'Applied', meaning: 'the enforcers report this revision' },
  { phase: 'rejected', label: 'Refused', meaning: 'the device kept its last state' },
  { phase: 'unreachable', label: 'Unreachable', meaning: 'will apply on reconnect' },
];

/** Connected devices that have not answered for good yet. */
export function inFlight(rollout: Rollout): number {
  return count(rollout, 'pending') + count(rollout, 'received') + count(rollout, 'verified');
}

export function count(rollout: Rollout, phase: RolloutPhase): number {
  return rollout.counts[phase] ?? 0;
}

/** Milliseconds to show as elapsed: counts on while devices are on it, then stands still. */
export function elapsedMs(rollout: Rollout, now: number): number {
  if (rollout.settledAfterMs !== null) return rollout.settledAfterMs;
  return Math.max(0, now - Date.parse(rollout.createdAt));
}

/** One line for the status and for screen readers. */
export function describeRollout(rollout: Rollout, now: number): string {
  const applied = `${plural(count(rollout, 'applied'), 'device')} applied`;
  const parts = [applied];
  const waiting = inFlight(rollout);
  if (waiting > 0) parts.push(`${waiting} on it`);
  if (count(rollout, 'rejected') > 0) parts.push(`${count(rollout, 'rejected')} refused`);
  if (count(rollout, 'unreachable') > 0) parts.push(`${count(rollout, 'unreachable')} unreachable`);
  return `${parts.join(', ')}, ${describeElapsed(rollout, now)}`;
}

/** How long it took, or takes. */
export function describeElapsed(rollout: Rollout, now: number): string {
  if (rollout.settledAfterMs !== null) return `after ${formatDuration(rollout.settledAfterMs)}`;
  // Nobody waits for a rollout that a newer one replaced; its devices go on with that one.
  if (rollout.supersededAt !== null) return 'replaced before all applied it';
  return `${formatDuration(elapsedMs(rollout, now))} so far`;
}

/** Phases worth a place: all while devices are on it, afterwards those where devices can end and any that is not empty. */
export function shownPhases(rollout: Rollout, settled: boolean): typeof PHASES {
  const ends: RolloutPhase[] = ['applied', 'rejected', 'unreachable'];
  return settled ? PHASES.filter(({ phase }) => ends.includes(phase) || count(rollout, phase) > 0) : PHASES;
}
