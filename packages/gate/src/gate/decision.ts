import type { ActionRequest } from '../canonical/action-request.ts';
import type { Caller } from '../permit/subject.ts';

/** What the policy answers. */
export interface PolicyDecision {
  readonly verdict: 'ALLOW' | 'DENY' | 'PROMPT';
  readonly rule: string;
  readonly reason: string;
  /** Of the policy that answered. */
  readonly revision: number;
  /** Whether the same question has the same answer for a while: not when it depends on a budget or a count. */
  readonly cacheable: boolean;
  /** For data that may pass: ids of detectors whose findings have to be replaced first. */
  readonly redact?: readonly string[] | undefined;
}

/** Asks the policy. May throw: the gate then denies. */
export type Decide = (action: ActionRequest, caller: Caller) => PolicyDecision;

/** What the gate answers. */
export interface GateAnswer {
  readonly car: string;
  readonly verdict: 'ALLOW' | 'DENY' | 'PROMPT';
  readonly rule: string;
  readonly reason: string;
  readonly revision: number;
  /**
   * `approval`: a person decided. `gate`: the policy could not be asked, or the permit that came along does not
   * count.
   */
  readonly source: 'policy' | 'cache' | 'permit' | 'approval' | 'gate';
  /** Whether the request was changed by Unicode normalisation. Act on the canonical one. */
  readonly normalised: boolean;
  /** With ALLOW, when one was asked for. */
  readonly permit?: string | undefined;
  /** When that permit expires, in milliseconds since 1970. */
  readonly expires?: number | undefined;
  /** With source `permit`: how often the permit can still be used. */
  readonly usesLeft?: number | undefined;
  /** For data that may pass: ids of detectors whose findings have to be replaced first. */
  readonly redact?: readonly string[] | undefined;
  /** The whole text for the AI agent, where somebody else than the gate worded it. */
  readonly message?: string | undefined;
  /** With PROMPT: names the question that a person was asked. */
  readonly approval?: string | undefined;
}
