import type { Verdict } from '@raypher/policy';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { AuthoriseCaller, Caller, CallerStanding } from './caller.ts';
import { actorOf } from './network-event.ts';

/** Whether only programs of the allow list may use the proxy at all. */
export type CallerRule = 'any' | 'allow-list';

export type RefusedStanding = Extract<CallerStanding, { allowed: false }>;

/** For a proxy that was told nothing else. */
export const NOBODY_IS_ALLOWED: AuthoriseCaller = async () => ({
  allowed: false,
  code: 'caller/not-allowed',
  reason: 'No program may use the keys of this machine.',
  hint: 'raypher allow PATH',
});

/** @returns why this caller may not use the proxy, or undefined when it may */
export async function callerRefusal(
  { callers, authorise }: { callers: () => CallerRule; authorise: AuthoriseCaller },
  caller: Caller,
): Promise<RefusedStanding | undefined> {
  if (callers() === 'any') return undefined;
  const standing = await authorise(caller);
  return standing.allowed ? undefined : standing;
}

/** What the person in front of the program is told. */
export function callerMessage({ reason, hint }: RefusedStanding): string {
  return `Blocked by Raypher: ${reason} ${hint}`;
}

/** @param verdict of the policy, which would have let it through */
export function callerRefused(
  standing: RefusedStanding,
  caller: Caller,
  target: { host: string; port: number; method: string },
  verdict: Verdict,
): EventDraft {
  const { host, port, method } = target;
  return {
    type: 'caller.refused',
    severity: 'warning',
    actor: actorOf(caller),
    action: method === 'CONNECT' ? 'open tunnel' : 'call',
    target: `${host}:${port}`,
    verdict: {
      outcome: 'DENY',
      mode: 'enforce',
      layer: 'builtin',
      rule: 'caller-not-allowed',
      reason: standing.reason,
      revision: verdict.revision,
    },
    data: { code: standing.code, host, port, method },
  };
}
