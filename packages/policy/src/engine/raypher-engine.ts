import type { PolicySnapshot } from '../compile.ts';
import { decide } from '../decide.ts';
import type { PolicyEngine } from './engine.ts';

/** Our own language behind the interface of all engines: what is carried out, not what is recorded. */
export function createRaypherEngine(snapshot: PolicySnapshot): PolicyEngine {
  return Object.freeze({
    language: 'raypher' as const,
    decide(request: Parameters<PolicyEngine['decide']>[0]) {
      const { outcome, rule, reason } = decide(snapshot, request).effective;
      return { outcome, rule, reason };
    },
  });
}
