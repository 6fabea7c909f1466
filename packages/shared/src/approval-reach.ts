import { z } from 'zod';

/** The longest that "for N minutes" can be: a day. */
export const MAX_APPROVAL_MINUTES = 1_440;

/** How far an answer reaches: this one action, the same question of this process while it lives, or for some minutes. */
export const ApprovalScope = z.enum(['once', 'session', 'minutes']);
export type ApprovalScope = z.infer<typeof ApprovalScope>;

export const ApprovalMinutes = z.number().int().min(1).max(MAX_APPROVAL_MINUTES);

/** An answer's reach, ready to compare. */
export type ApprovalReach =
  | { readonly scope: 'once' | 'session' }
  | { readonly scope: 'minutes'; readonly minutes: number };

interface GivenReach {
  scope: ApprovalScope;
  minutes?: number | undefined;
}

export function reachOf({ scope, minutes }: GivenReach): ApprovalReach {
  return scope === 'minutes' ? { scope, minutes: minutes ?? 1 } : { scope };
}

/** Minutes go with the scope `minutes`, and with no other. */
export function hasItsMinutes({ scope, minutes }: GivenReach): boolean {
  return (scope === 'minutes') === (minutes !== undefined);
}

const WIDTH: Record<ApprovalScope, number> = { once: 0, minutes: 1, session: 2 };

/** What two people both agreed to. Minutes end with the process as well, so a session is the wider of the two. */
export function narrowerReach(one: ApprovalReach, other: ApprovalReach): ApprovalReach {
  if (one.scope === 'minutes' && other.scope === 'minutes') {
    return { scope: 'minutes', minutes: Math.min(one.minutes, other.minutes) };
  }
  return WIDTH[one.scope] <= WIDTH[other.scope] ? one : other;
}
