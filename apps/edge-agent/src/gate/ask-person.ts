import type { AskPerson, ActionRequest as GateRequest } from '@raypher/gate';
import type { ApprovalAnswer, ApprovalQuestion, Approvals } from '../approvals/approval.ts';
import { denialText } from '../approvals/denial-text.ts';
import { actorOf } from '../proxy/network-event.ts';
import type { Policy } from './decide-action.ts';
import { targetOf } from './gate-event.ts';
import { maskFindings } from './mask-findings.ts';
import { policyRequest } from './policy-request.ts';
import type { Requesters } from './requesters.ts';

/** Characters of arguments that a person is shown. */
const MOST_SHOWN = 1_000;

/** Puts the gate's questions to people. */
export function askPerson(
  policy: Policy,
  requesters: Pick<Requesters, 'of'>,
  approvals: Approvals,
): AskPerson {
  return async ({ car, action, caller }, gone) => {
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
      // With the hash of the whole request: a yes is for these arguments, and for no others.
      subject: JSON.stringify([pid, startTime, rule, car]),
      details: { asked: 'action gate', reason, request: car, ...argumentsOf(action) },
    };
    const answer = await approvals.ask(question, gone);
    if (answer.outcome === 'ALLOW') return { outcome: 'ALLOW', reason: allowedBy(answer) };
    return { outcome: 'DENY', reason: refusedBy(answer), message: denialText(question, answer) };
  };
}

/** For the person who decides, without secrets. A command line has them in its target. */
function argumentsOf({ action, arguments: given }: GateRequest): { arguments?: string } {
  if (given === undefined || action === 'process.exec') return {};
  const all = JSON.stringify(given);
  const masked = maskFindings(all);
  if (masked.length <= MOST_SHOWN) return { arguments: masked };
  return { arguments: `${masked.slice(0, MOST_SHOWN)}… (${all.length} characters in all)` };
}

function allowedBy({ how, by }: ApprovalAnswer): string {
  if (how === 'timeout') return 'Nobody answered in time; the rule then says it is allowed.';
  return `${by ?? 'A person'} allowed it${how === 'remembered' ? ' before' : ''}.`;
}

function refusedBy({ how, by }: ApprovalAnswer): string {
  if (how === 'person' || how === 'remembered') return `${by ?? 'A person'} said no.`;
  return how === 'timeout' ? 'Nobody answered in time.' : 'Nobody could be asked.';
}
