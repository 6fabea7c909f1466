import type { AskPerson } from '@raypher/gate';
import type { Approvals } from '../approvals/approval.ts';
import { actorOf } from '../proxy/network-event.ts';
import type { Policy } from './decide-action.ts';
import { targetOf } from './gate-event.ts';
import { policyRequest } from './policy-request.ts';
import type { Requesters } from './requesters.ts';

/** Puts the gate's questions to people. */
export function askPerson(
  policy: Policy,
  requesters: Pick<Requesters, 'of'>,
  approvals: Approvals,
): AskPerson {
  return async ({ action, caller }, gone) => {
    const requester = requesters.of(caller);
    const verdict = policy.decide(policyRequest(action, requester.agent));
    const { outcome, rule, reason } = verdict.effective;
    if (outcome !== 'PROMPT') return { outcome, reason };
    const { pid = 0, startTime = 0 } = requester.process ?? {};
    const target = targetOf(action);
    const answer = await approvals.ask(
      {
        verdict,
        actor: actorOf(requester),
        action: action.action,
        target,
        subject: JSON.stringify([pid, startTime, rule, action.action, target]),
        details: { asked: 'action gate', reason },
      },
      gone,
    );
    return { outcome: answer.outcome, reason: sentence(answer.how, answer.outcome, answer.by) };
  };
}

function sentence(
  how: Awaited<ReturnType<Approvals['ask']>>['how'],
  outcome: 'ALLOW' | 'DENY',
  by: string | undefined,
): string {
  const did = outcome === 'ALLOW' ? 'allowed' : 'refused';
  switch (how) {
    case 'person':
      return `${by ?? 'A person'} ${did} it.`;
    case 'remembered':
      return `${by ?? 'A person'} ${did} it before.`;
    case 'timeout':
      return `Nobody answered in time; the rule then says it is ${did}.`;
    case 'withdrawn':
      return 'The question was withdrawn.';
    case 'unavailable':
      return 'Nobody could be asked.';
  }
}
