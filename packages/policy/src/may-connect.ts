import type { PolicySnapshot } from './compile.ts';
import type { SectionPlan } from './compile-section.ts';
import { Facts } from './facts.ts';
import { fieldNumber } from './field.ts';
import { placeOf } from './place.ts';
import type { NetworkConnectRequest } from './request.ts';

const HOST = fieldNumber('host');

/**
 * Whether anything that is not known yet (address, model, method, path, the hour) could make a connection to a host
 * one that may be. Before it is opened nothing but the host is known, and a name that can be of no use to anybody need
 * not be looked up.
 */
export function mayConnect(snapshot: PolicySnapshot, request: NetworkConnectRequest): boolean {
  const found = placeOf(request);
  // Without any layer everything is denied.
  if (!found.ok || snapshot.layers.length === 0) return false;
  const facts = new Facts(request, found.place);
  return (['network.connect', 'model.call'] as const).some((action) =>
    snapshot.layers
      .filter(({ mode }) => mode === 'enforce')
      .every(({ sections }) =>
        sections.every(({ plans }) => {
          const plan = plans.get(action);
          return plan === undefined || mayPermit(plan, facts);
        }),
      ),
  );
}

/** Whether a section may let go, as far as the host decides. */
function mayPermit({ rules, fallback }: SectionPlan, facts: Facts): boolean {
  for (const { matchers, opinion, exceptions } of rules) {
    const ofHost = matchers.filter(({ field }) => field === HOST);
    if (ofHost.some((matcher) => matcher.test(facts) === 'no')) continue;
    if (opinion.outcome !== 'DENY' || exceptions.length > 0) return true;
    if (ofHost.length === matchers.length) return false;
  }
  return fallback === undefined || fallback.opinion.outcome !== 'DENY' || fallback.exceptions.length > 0;
}
