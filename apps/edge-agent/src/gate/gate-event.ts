import type { ActionRequest as GateRequest } from '@raypher/gate';
import type { Verdict } from '@raypher/policy';
import { maskArguments } from '../discovery/mask.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { Caller } from '../proxy/caller.ts';
import { actorOf } from '../proxy/network-event.ts';
import { maskFindings } from './mask-findings.ts';
import { reached } from './policy-request.ts';

export interface GateFacts {
  request: GateRequest;
  requester: Caller;
  /** The process that asked, which may be a helper of the AI agent. */
  askedBy: number | undefined;
  verdict: Verdict;
}

/**
 * One decision of the gate, or the same one several times in a row, as the ledger keeps it: what was to be done, never what was handed over
 * with it.
 */
export function gateEvent({ request, requester, askedBy, verdict }: GateFacts, count = 1): EventDraft {
  const denied = verdict.effective.outcome === 'DENY';
  const wouldBlock = verdict.outcome === 'DENY' && !denied;
  const prompted = verdict.effective.outcome === 'PROMPT';
  const server = request.context?.server;
  return {
    type: 'gate.decided',
    severity: denied || wouldBlock ? 'warning' : prompted ? 'notice' : 'info',
    actor: actorOf(requester),
    action: request.action,
    target: targetOf(request),
    verdict: {
      outcome: verdict.outcome,
      mode: verdict.mode,
      layer: verdict.layer,
      rule: verdict.rule,
      reason: verdict.reason,
      revision: verdict.revision,
    },
    data: {
      denied,
      count,
      wouldBlock,
      prompted,
      ...(askedBy === undefined ? {} : { askedBy }),
      ...(typeof server === 'string' ? { server: maskFindings(server) } : {}),
    },
  };
}

/** What an adapter saw of a tool: hashes of its descriptions, and never these. */
export function toolChangedEvent(request: GateRequest, requester: Caller): EventDraft {
  const { context = {} } = request;
  const facts = ['server', 'before', 'after'].flatMap((name) => {
    const value = context[name];
    return typeof value === 'string' ? [[name, maskFindings(value)] as const] : [];
  });
  return {
    type: 'tool.changed',
    severity: 'warning',
    actor: actorOf(requester),
    action: 'change its description',
    target: maskFindings(request.target),
    data: Object.fromEntries(facts),
  };
}

/** Command lines and paths can hold secrets; of addresses only host and path are kept. */
export function targetOf({ action, target, arguments: given }: GateRequest): string {
  if (action === 'process.exec') {
    const words = Array.isArray(given) ? given.filter((word) => typeof word === 'string') : [];
    return maskFindings(maskArguments([target, ...words]));
  }
  if (action === 'network.connect' || action === 'model.call') {
    const { host, port, path = '' } = reached(target);
    return maskFindings(`${host}:${port}${path}`);
  }
  return maskFindings(target);
}
