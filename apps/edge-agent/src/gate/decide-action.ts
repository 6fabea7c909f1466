import type { Decide, PolicyDecision } from '@raypher/gate';
import type { ActionRequest, Verdict } from '@raypher/policy';
import type { EventDraft } from '../ledger/event-draft.ts';
import { CANARY_HOST } from '../proxy/canary-host.ts';
import type { DecisionLog } from './decision-log.ts';
import { toolChangedEvent } from './gate-event.ts';
import { policyRequest } from './policy-request.ts';
import type { Requesters } from './requesters.ts';

export interface Policy {
  decide(request: ActionRequest): Verdict;
  /** Whether the same question has the same answer as long as this policy is in force. */
  isTimeless(action: ActionRequest['action']): boolean;
}

/** Not a question: adapters tell that a tool describes itself in another way than before. */
export const TOOL_DEFINITION = 'tool.definition';
const NOTED: PolicyDecision = {
  verdict: 'ALLOW',
  rule: 'gate/noted',
  reason: 'It was recorded.',
  revision: 0,
  cacheable: false,
};

/**
 * Answers the gate from the policy in force, and leaves an event of each decision. What is carried out is the
 * `effective` opinion; what a layer in monitor mode would have blocked is allowed, and recorded as such.
 *
 * Only what is allowed without any doubt may be remembered by the gate: every denial, would-be denial and question
 * is decided, and recorded, each time.
 */
export function decideAction(
  policy: Policy,
  requesters: Pick<Requesters, 'of'>,
  record: (event: EventDraft) => void,
  log: DecisionLog,
): Decide {
  return (request, caller) => {
    const requester = requesters.of(caller);
    if (request.action === TOOL_DEFINITION) {
      record(toolChangedEvent(request, requester));
      return NOTED;
    }
    const question = policyRequest(request, requester.agent);
    const verdict = policy.decide(question);
    const { outcome, rule, reason } = verdict.effective;
    // The agent's own self-test is no event.
    if (question.host !== CANARY_HOST) {
      log.note({ request, requester, askedBy: caller.pid, verdict });
    }
    const redact = redactedBy(verdict);
    return {
      verdict: outcome,
      rule,
      reason,
      revision: verdict.revision,
      cacheable: isPlainAllow(verdict) && policy.isTimeless(question.action),
      ...(redact === undefined ? {} : { redact }),
    };
  };
}

function isPlainAllow(verdict: Verdict): boolean {
  return (
    verdict.outcome === 'ALLOW' && verdict.effective.outcome === 'ALLOW' && verdict.obligations === undefined
  );
}

/** Detectors whose findings have to be replaced before the data may pass. */
function redactedBy({ obligations, findings }: Verdict): readonly string[] | undefined {
  if (obligations?.includes('redact') !== true) return undefined;
  return (findings ?? []).flatMap(({ finding, verdict }) =>
    finding !== null && verdict.obligations?.includes('redact') === true ? [finding.detector] : [],
  );
}
