import type { Verdict } from '@raypher/policy';
import type { LiveConnection } from './live-connections.ts';

/** What policy says of a connection that is let through, as the ledger and the live view name it. */
export function ruleOf({
  outcome,
  layer,
  rule,
  revision,
}: Verdict): Pick<LiveConnection, 'rule' | 'outcome'> {
  // Only a policy that records and does not enforce lets through what it would deny; who is to be asked is not yet.
  return { rule: { layer, id: rule, revision }, outcome: outcome === 'DENY' ? 'DENY' : 'ALLOW' };
}
