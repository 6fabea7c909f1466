import {
  type ActiveFreeze,
  type BundlePayload,
  type DesiredState,
  Phase,
  RaypherError,
  type SignedBundle,
  type StateSlot,
} from '@raypher/shared';
import type { SeededRandom } from '../random.ts';
import type { AppliedState, StateKindName } from './applied-state.ts';
import type { BundleVerifier } from './bundle-verifier.ts';
import type { DeviceBehaviour } from './device-behaviour.ts';
import { policyOf, SimulatedPolicy } from './simulated-policy.ts';

const NO_POLICY = new SimulatedPolicy();

/** How far a device came with one revision. */
export interface Progress {
  kind: StateKindName;
  slot: StateSlot;
  phase: Phase;
  error?: RaypherError;
}

/** The device around the enforcers. */
export interface EnforcerHost {
  readonly organisation: string;
  onProgress(progress: Progress): void;
  /** The state took effect; called before APPLIED is reported. */
  onSwitched(kind: StateKindName, bundle: SignedBundle): void;
}

/** Takes desired state the way a device does: check, verify, switch, and only then say APPLIED. */
export class SimulatedEnforcers {
  readonly applied: AppliedState;
  readonly #host: EnforcerHost;
  readonly #verifier: BundleVerifier;
  readonly #behaviour: DeviceBehaviour;
  readonly #random: SeededRandom;

  constructor(
    host: EnforcerHost,
    applied: AppliedState,
    parts: { verifier: BundleVerifier; behaviour: DeviceBehaviour; random: SeededRandom },
  ) {
    this.#host = host;
    this.applied = applied;
    this.#verifier = parts.verifier;
    this.#behaviour = parts.behaviour;
    this.#random = parts.random;
  }

  get freezes(): readonly ActiveFreeze[] {
    const payload = this.applied.freeze?.payload;
    return payload?.kind === 'freeze' ? payload.freezes : [];
  }

  /** What decides calls; without a policy nothing is allowed. */
  get policy(): SimulatedPolicy {
    const applied = this.applied.policy;
    return applied?.payload.kind === 'policy' ? policyOf(applied.payload, applied.digest) : NO_POLICY;
  }

  revisionOf(kind: StateKindName): number {
    return this.applied[kind]?.revision ?? 0;
  }

  receive(desired: DesiredState): void {
    // An emergency never waits behind a policy.
    if (desired.freeze !== undefined) this.#receiveSlot('freeze', desired.freeze);
    if (desired.policy !== undefined) this.#receiveSlot('policy', desired.policy);
  }

  #receiveSlot(kind: StateKindName, slot: StateSlot): void {
    this.#host.onProgress({ kind, slot, phase: Phase.PHASE_RECEIVED });
    try {
      if (this.#isRunning(kind, slot)) {
        this.#host.onProgress({ kind, slot, phase: Phase.PHASE_APPLIED });
        return;
      }
      const { bundle, payload } = this.#verify(kind, slot);
      this.#host.onProgress({ kind, slot, phase: Phase.PHASE_VERIFIED });
      const delay = this.#applyDelayMs();
      if (delay === 0) this.#switch(kind, slot, bundle, payload);
      else setTimeout(() => this.#switch(kind, slot, bundle, payload), delay);
    } catch (error) {
      this.#host.onProgress({ kind, slot, phase: Phase.PHASE_REJECTED, error: asRaypherError(error) });
    }
  }

  #isRunning(kind: StateKindName, slot: StateSlot): boolean {
    const running = this.applied[kind];
    return running?.revision === Number(slot.revision) && running.digest.equals(slot.digest);
  }

  #verify(kind: StateKindName, slot: StateSlot): { bundle: SignedBundle; payload: BundlePayload } {
    const running = this.revisionOf(kind);
    if (Number(slot.revision) <= running) {
      throw new RaypherError('bundle/revision-not-monotonic', `Revision ${running} is already running.`);
    }
    if (slot.bundle === undefined) throw new RaypherError('link/protocol', 'The slot has no bundle.');
    const payload = this.#verifier.open(slot.bundle, slot.digest, this.#host.organisation);
    if (payload.kind !== kind || payload.revision !== Number(slot.revision)) {
      throw new RaypherError('bundle/digest-mismatch', 'The payload is not the state that was announced.');
    }
    return { bundle: slot.bundle, payload };
  }

  #applyDelayMs(): number {
    const [least, most] = this.#behaviour.applyDelayMs;
    return least + this.#random.next() * (most - least);
  }

  #switch(kind: StateKindName, slot: StateSlot, bundle: SignedBundle, payload: BundlePayload): void {
    const revision = Number(slot.revision);
    // A newer revision may have overtaken this one while the enforcers were busy.
    if (revision <= this.revisionOf(kind)) return;
    if (this.#random.chance(this.#behaviour.applyFailure)) {
      const error = new RaypherError('bundle/not-enforced', 'A simulated enforcer failed.');
      this.#host.onProgress({ kind, slot, phase: Phase.PHASE_REJECTED, error });
      return;
    }
    // Copied: the slot's digest is a view into the whole received message and would keep it alive.
    this.applied[kind] = { revision, digest: Buffer.from(slot.digest), payload };
    this.#host.onSwitched(kind, bundle);
    this.#host.onProgress({ kind, slot, phase: Phase.PHASE_APPLIED });
  }
}

function asRaypherError(error: unknown): RaypherError {
  if (error instanceof RaypherError) return error;
  return new RaypherError('internal/unexpected', 'The bundle could not be read.', { cause: error });
}
