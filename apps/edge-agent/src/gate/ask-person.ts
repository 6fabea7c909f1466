import type { AskPerson } from '@raypher/gate';
import type { ApprovalAnswer, ApprovalQuestion, Approvals } from '../approvals/approval.ts';
import { denialText } from '../approvals/denial-text.ts';
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
    const question: ApprovalQuestion = {
      verdict,
      actor: actorOf(requester),
      action: action.action,
      target,
      subject: JSON.stringify([pid, startTime, rule, action.action, target]),
      details: { asked: 'action gate', reason },
    };
    const answer = await approvals.ask(question, gone);
    const isAllowed = answer.outcome === 'ALLOW';
    return { outcome: answer.outcome, reason: isAllowed ? allowedBy(answer) : denialText(question, answer) };
  };
}

function allowedBy({ how, by }: ApprovalAnswer): string {
  if (how === 'timeout') return 'Nobody answered in time; the rule then says it is allowed.';
  return `${by ?? 'A person'} allowed it${how === 'remembered' ? ' before' : ''}.`;
}
