import type { ActionRequest } from '../request.ts';
import type { Outcome } from '../verdict.ts';

/** What an engine says about an action, in terms that all engines share. */
export interface EngineDecision {
  readonly outcome: Outcome;
  /** What decided, as that engine's policies name it. */
  readonly rule: string;
  readonly reason: string;
}

/**
 * Something that decides actions by policies of its own language. Deciding is synchronous, never throws, and
 * fails closed: a policy that cannot be evaluated denies. Getting an engine may take loading.
 */
export interface PolicyEngine {
  readonly language: 'raypher' | 'cedar' | 'rego';
  decide(request: ActionRequest): EngineDecision;
}
