import type { FreezePayload, PolicyPayload } from '@raypher/shared';
import type { SlotKind } from '../store/state-slots.ts';

export interface AppliedState {
  revision: number;
  /** SHA-256 of the signed payload, lower-case hex. */
  digest: string;
}

/** A verified state on its way to the part that carries it out. */
export interface VerifiedState<P extends PolicyPayload | FreezePayload> extends AppliedState {
  payload: P;
}

/**
 * The part of the agent that carries out one kind of state. The uplink hands it what was verified and
 * then asks what is in force: "applied" is what the enforcer says afterwards, not what it was given.
 */
export interface Enforcer<P extends PolicyPayload | FreezePayload> {
  readonly kind: SlotKind;
  /**
   * Switches to this state; the old one stays in force when this throws.
   *
   * @returns processes suspended (freeze) or enforcers switched (policy)
   */
  apply(state: VerifiedState<P>): Promise<number>;
  /** What is in force now; undefined when nothing was ever applied. */
  current(): AppliedState | undefined;
}
