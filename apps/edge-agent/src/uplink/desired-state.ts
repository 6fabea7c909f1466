import {
  Ack,
  type FreezePayload,
  Phase,
  type PolicyPayload,
  RaypherError,
  type SignedBundle,
  StateKind,
  type StateSlot,
} from '@raypher/shared';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SlotKind, StateSlots } from '../store/state-slots.ts';
import type { Enforcer } from './enforcer.ts';
import { isOtherTeamVariant } from './team-variant.ts';

type StatePayload = PolicyPayload | FreezePayload;
export type VerifyState<P> = (
  bundle: SignedBundle | undefined,
  digest: Uint8Array,
) => { payload: P; digest: string };
export type SendAck = (ack: Ack) => void;

interface Arrived {
  slot: StateSlot;
  send: SendAck;
}

const WIRE_KIND = { policy: StateKind.STATE_KIND_POLICY, freeze: StateKind.STATE_KIND_FREEZE } as const;

/**
 * Takes desired state of one kind from arrival to "applied":
 * received → verified → enforced → read back → stored → acknowledged.
 *
 * There is one place for what waits: newer state replaces older state that has not been looked at yet.
 * Whatever goes wrong, the last good state stays in force.
 */
export class DesiredState<P extends StatePayload> {
  readonly #kind: SlotKind;
  readonly #enforcer: Enforcer<P>;
  readonly #verify: VerifyState<P>;
  readonly #slots: StateSlots;
  readonly #ledger: Ledger;
  /** Of the last state applied; repeated when the same state is offered again. */
  #affected = 0;
  #waiting: Arrived | undefined;
  #working: Promise<void> | undefined;

  constructor(parts: {
    kind: SlotKind;
    enforcer: Enforcer<P>;
    /** Checks digest, signature and organisation; throws when one is wrong. */
    verify: VerifyState<P>;
    slots: StateSlots;
    ledger: Ledger;
  }) {
    this.#kind = parts.kind;
    this.#enforcer = parts.enforcer;
    this.#verify = parts.verify;
    this.#slots = parts.slots;
    this.#ledger = parts.ledger;
  }

  /**
   * Puts the stored state in force again, its signature verified again. For before the network is up.
   *
   * @returns false when there was one and it could not be put in force
   */
  async restore(): Promise<boolean> {
    const stored = this.#slots.load(this.#kind);
    if (stored === undefined) return true;
    try {
      const { payload, digest } = this.#verify(
        {
          payload: Buffer.from(stored.payload),
          signature: Buffer.from(stored.signature),
          keyId: stored.keyId,
        },
        Buffer.from(stored.digest, 'hex'),
      );
      await this.#enforcer.apply({ revision: payload.revision, digest, payload: payload });
    } catch (error) {
      this.#ledger.note(this.#refused(stored.revision, error, 'tamper.suspected'));
      return false;
    }
    return true;
  }

  /** Takes what the control plane wants; acknowledges each phase through `send`. */
  receive(slot: StateSlot, send: SendAck): void {
    send(this.#ack(slot, Phase.PHASE_RECEIVED));
    this.#waiting = { slot, send };
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when nothing is being applied. */
  async settled(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting; next !== undefined; next = this.#waiting) {
      this.#waiting = undefined;
      await this.#take(next);
    }
  }

  async #take({ slot, send }: Arrived): Promise<void> {
    try {
      const { payload, digest } = this.#verify(slot.bundle, slot.digest);
      if (BigInt(payload.revision) !== slot.revision) {
        throw new RaypherError('bundle/digest-mismatch', 'The announced revision is not the signed one.');
      }
      const before = this.#newest();
      if (before !== undefined) this.#mustNotGoBack(before, payload, digest);
      send(this.#ack(slot, Phase.PHASE_VERIFIED));

      const inForce = this.#enforcer.current();
      const repeated = inForce?.revision === payload.revision && inForce.digest === digest;
      if (!repeated)
        this.#affected = await this.#enforcer.apply({ revision: payload.revision, digest, payload: payload });
      const affected = this.#affected;
      const now = this.#enforcer.current();
      if (now?.digest !== digest || now.revision !== payload.revision) {
        throw new RaypherError(
          'bundle/not-enforced',
          `The ${this.#kind} was handed over but is not in force.`,
        );
      }
      if (!repeated) {
        this.#store(slot, payload.revision, digest);
        this.#ledger.note(this.#applied(payload.revision, digest, affected));
      }
      send(this.#ack(slot, Phase.PHASE_APPLIED, { affected }));
    } catch (error) {
      const { code, message } = asRaypherError(error);
      this.#ledger.note(this.#refused(Number(slot.revision), error, 'policy.refused'));
      send(this.#ack(slot, Phase.PHASE_REJECTED, { code, detail: message }));
    }
  }

  /** The newest state this device has accepted: in force, or stored when it could not be put in force. */
  #newest(): { revision: number; digest: string } | undefined {
    const stored = this.#slots.load(this.#kind);
    const current = this.#enforcer.current();
    if (stored === undefined || current === undefined) return stored ?? current;
    return stored.revision > current.revision ? stored : current;
  }

  #mustNotGoBack(before: { revision: number; digest: string }, offered: P, digest: string): void {
    if (offered.revision > before.revision) return;
    if (offered.revision === before.revision) {
      if (digest === before.digest) return;
      const stored = this.#slots.load(this.#kind);
      if (stored?.digest === before.digest && isOtherTeamVariant(stored.payload, offered)) return;
    }
    throw new RaypherError(
      'bundle/revision-not-monotonic',
      `Revision ${offered.revision} was offered, but ${before.revision} has been accepted already.`,
      { hint: 'To go back to an older policy, deploy it again: it gets a new revision.' },
    );
  }

  #store(slot: StateSlot, revision: number, digest: string): void {
    const { bundle } = slot;
    if (bundle === undefined) return;
    try {
      this.#slots.save({
        kind: this.#kind,
        revision,
        digest,
        payload: bundle.payload,
        signature: bundle.signature,
        keyId: bundle.keyId,
      });
    } catch {
      // The state is in force; a full disk only means that a restart begins with the one before.
      // The ledger reports the disk itself.
    }
  }

  #ack(slot: StateSlot, phase: Phase, more: Partial<Ack> = {}): Ack {
    return Ack.fromPartial({
      kind: WIRE_KIND[this.#kind],
      revision: slot.revision,
      digest: slot.digest,
      phase,
      ...more,
    });
  }

  #applied(revision: number, digest: string, affected: number): EventDraft {
    return {
      type: this.#kind === 'policy' ? 'policy.applied' : 'freeze.applied',
      severity: 'notice',
      actor: { kind: 'control-plane', id: '', name: 'control plane' },
      action: `apply ${this.#kind}`,
      target: `revision ${revision}`,
      data: { revision, digest, affected },
    };
  }

  #refused(revision: number, error: unknown, type: 'policy.refused' | 'tamper.suspected'): EventDraft {
    const { code, message } = asRaypherError(error);
    return {
      type,
      severity: type === 'tamper.suspected' ? 'critical' : 'warning',
      actor:
        type === 'tamper.suspected' ? EDGE_AGENT : { kind: 'control-plane', id: '', name: 'control plane' },
      action: type === 'tamper.suspected' ? `restore ${this.#kind}` : `apply ${this.#kind}`,
      target: `revision ${revision}`,
      data: { revision, code, reason: message, kind: this.#kind },
    };
  }
}

/** The error itself, or one that says that something unexpected happened. */
export function asRaypherError(error: unknown): RaypherError {
  if (error instanceof RaypherError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RaypherError('internal/unexpected', message, { cause: error });
}
