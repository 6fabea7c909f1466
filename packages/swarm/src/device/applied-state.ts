import { type Applied, type AppliedSlot, type BundlePayload, StateKind } from '@raypher/shared';

export type StateKindName = 'policy' | 'freeze';

export interface AppliedRevision {
  revision: number;
  /** SHA-256 of the signed payload. */
  digest: Buffer;
  payload: BundlePayload;
}

/** What the simulated enforcers run; a missing slot was never applied. */
export type AppliedState = Partial<Record<StateKindName, AppliedRevision>>;

export const STATE_KINDS: Record<StateKindName, StateKind> = {
  policy: StateKind.STATE_KIND_POLICY,
  freeze: StateKind.STATE_KIND_FREEZE,
};

const NO_DIGEST = Buffer.alloc(0);

/** As Hello and Heartbeat carry it. */
export function describeApplied(applied: AppliedState): Applied {
  return { policy: slotOf(applied.policy), freeze: slotOf(applied.freeze) };
}

function slotOf(applied: AppliedRevision | undefined): AppliedSlot {
  return { revision: BigInt(applied?.revision ?? 0), digest: applied?.digest ?? NO_DIGEST };
}
