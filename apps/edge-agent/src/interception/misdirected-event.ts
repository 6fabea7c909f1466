import type { EventDraft } from '../ledger/event-draft.ts';
import { actorOf } from '../proxy/network-event.ts';
import type { PolicyInForce } from '../proxy/proxy-context.ts';
import type { InterceptedConnection } from './intercepted-connection.ts';

/** A request for one name inside a connection with another: refused in every mode, as no server should answer it. */
export function misdirectedEvent(
  { host, port, caller }: InterceptedConnection,
  named: string,
  method: string,
  policy: PolicyInForce,
): EventDraft {
  const { revision } = policy.decide({ action: 'network.connect', host, port, method, agent: caller.agent });
  return {
    type: 'network.request',
    severity: 'warning',
    actor: actorOf(caller),
    action: 'call',
    target: `${host}:${port}`,
    verdict: {
      outcome: 'DENY',
      mode: 'enforce',
      layer: 'builtin',
      rule: 'builtin/host-mismatch',
      reason: `The request is addressed to another host than its connection: ${named.slice(0, 300)}`,
      revision,
    },
    data: { host, port, method, named: named.slice(0, 300), status: 421, denied: true, inspected: true },
  };
}
