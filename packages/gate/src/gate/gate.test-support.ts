import { freshKeyRing } from '../permit/key-ring.ts';
import { portablePrimitives } from '../primitives/portable-primitives.ts';
import type { Decide, PolicyDecision } from './decision.ts';
import { Gate, type GateOptions } from './gate.ts';

export const ALICE = { uid: 1000, pid: 42, startTicks: '777' };
export const MALLORY = { uid: 1001, pid: 66, startTicks: '888' };

export const request = (target: string) => ({ v: 1, action: 'tool.call', target });

/** A policy that says what the target says: `allow…`, `deny…`, `prompt…`; counts its questions. */
export class PolicyStub {
  revision = 1;
  asked: string[] = [];
  cacheable = true;
  next: ((decision: PolicyDecision) => PolicyDecision) | undefined;

  readonly decide: Decide = ({ target }) => {
    this.asked.push(target);
    const verdict = target.startsWith('allow') ? 'ALLOW' : target.startsWith('prompt') ? 'PROMPT' : 'DENY';
    const decision: PolicyDecision = {
      verdict,
      rule: `tools/${verdict.toLowerCase()}`,
      reason: 'because',
      revision: this.revision,
      cacheable: this.cacheable,
    };
    return this.next?.(decision) ?? decision;
  };
}

export function gateUnderTest(options: Partial<GateOptions> = {}) {
  const policy = new PolicyStub();
  const time = { now: 1_700_000_000_000 };
  const keys = freshKeyRing(portablePrimitives, time.now);
  const gate = new Gate({
    primitives: portablePrimitives,
    clock: () => time.now,
    keys,
    decide: policy.decide,
    revision: () => policy.revision,
    ...options,
  });
  return { gate, policy, time, keys };
}
