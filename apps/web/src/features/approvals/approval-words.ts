import type { Approval, ApprovalEnd } from '@raypher/shared/rest';
import { formatDuration, plural } from '../../lib/format/format.ts';

/** How far an answer reaches, for a sentence. */
export function reachWords({ scope, minutes }: Pick<ApprovalEnd, 'scope' | 'minutes'>): string {
  switch (scope) {
    case 'session':
      return 'while the process lives';
    case 'minutes':
      return `for ${plural(minutes ?? 0, 'minute')}`;
    default:
      return 'once';
  }
}

/** How a question ended, in one sentence that never says a person did what a clock did. */
export function endSentence({ state, end, votes, onTimeout }: Approval): string {
  const last = votes.at(-1);
  if (end === null) {
    switch (state) {
      case 'sent':
        return `${last?.by ?? 'Somebody'} ${last?.outcome === 'deny' ? 'denied' : 'allowed'} it; the device has not confirmed yet.`;
      case 'no-word':
        return 'Its time is over and the device has not said how it ended.';
      default:
        return 'Waits for a person.';
    }
  }
  const after = ` after ${formatDuration(end.waitedMs)}`;
  switch (end.how) {
    case 'person': {
      const who = end.second === null || end.outcome === 'DENY' ? end.by : `${end.by} and ${end.second}`;
      return `${end.outcome === 'ALLOW' ? 'Allowed' : 'Denied'} by ${who ?? 'somebody'} ${reachWords(end)},${after}.`;
    }
    case 'remembered':
      return `${end.outcome === 'ALLOW' ? 'Allowed' : 'Denied'} by what ${end.by ?? 'somebody'} had just said of the same.`;
    case 'timeout': {
      const late = last === undefined ? '' : ` The answer of ${last.by} came too late or was not enough.`;
      return `Nobody decided${after}: ${onTimeout === 'ALLOW' ? 'let through' : 'refused'} by its rule.${late}`;
    }
    case 'withdrawn':
      return `${end.reason ?? 'Who asked had gone'}${end.reason === null ? '.' : ''}`;
    case 'unavailable':
      return end.reason ?? 'The device could not store the answer and refused.';
  }
}

/** Seconds that are left, never below zero. */
export function secondsLeft(expiresAt: string, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(expiresAt) - now) / 1_000));
}

/** @example countdown(72) // "1:12" */
export function countdown(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
