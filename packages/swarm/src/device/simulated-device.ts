import { createPrivateKey } from 'node:crypto';
import {
  type AgentMessage,
  type Command,
  type ControlMessage,
  Phase,
  RaypherError,
  type SignedBundle,
} from '@raypher/shared';
import { type DeviceIdentity, SIMULATED_VERSION } from '../fleet/device-identity.ts';
import type { FleetStore, StoredDevice } from '../fleet/fleet-store.ts';
import type { SeededRandom } from '../random.ts';
import { createAiAgents, isFrozen, type SimulatedAiAgent } from './ai-agents.ts';
import { STATE_KINDS, type StateKindName } from './applied-state.ts';
import type { BundleVerifier } from './bundle-verifier.ts';
import type { DeviceBehaviour } from './device-behaviour.ts';
import { DeviceLedger } from './device-ledger.ts';
import { agentStarted, type EventDraft, modelCall, stateApplied } from './event-drafts.ts';
import { LinkConnection, type LinkEnding, type LinkListener } from './link-connection.ts';
import { type EnforcerHost, type Progress, SimulatedEnforcers } from './simulated-enforcers.ts';
import { countProcesses, frozenOf, heartbeat, inventory, VitalSigns } from './vital-signs.ts';

/** What a device tells the fleet it belongs to. */
export interface DeviceObserver {
  /** Handed to the stream: RECEIVED, VERIFIED, APPLIED or REJECTED. */
  onProgress(device: SimulatedDevice, progress: Progress): void;
  /** Hello was answered: the device is connected. */
  onWelcome(device: SimulatedDevice): void;
  onEnd(device: SimulatedDevice, ending: LinkEnding): void;
}

/** What all devices of a fleet share. */
export interface DeviceSurroundings {
  /** PEM of the root CA. */
  root: string;
  verifier: BundleVerifier;
  behaviour: DeviceBehaviour;
  observer: DeviceObserver;
  store: FleetStore | undefined;
}

const DEFAULT_HEARTBEAT_MS = 30_000;
/** A change on the machine reaches the control plane within this, as the agent's own scan would find it. */
const INVENTORY_WITHIN_MS = 1_000;

/**
 * One simulated machine: real key, real certificate, real chain, real stream; only the machine is made up.
 * It owns no timers: the fleet's clock calls {@link tick}.
 */
export class SimulatedDevice implements LinkListener, EnforcerHost {
  readonly hostname: string;
  readonly id: string;
  readonly organisation: string;
  readonly #surroundings: DeviceSurroundings;
  readonly #random: SeededRandom;
  readonly #ledger: DeviceLedger;
  readonly #enforcers: SimulatedEnforcers;
  readonly #aiAgents: SimulatedAiAgent[];
  readonly #vitalSigns = new VitalSigns();
  #identity: DeviceIdentity;
  #connection: LinkConnection | undefined;
  /** Hello was answered: we know from where to send. */
  #welcomed = false;
  #credit = 0;
  #heartbeatMs = DEFAULT_HEARTBEAT_MS;
  #nextHeartbeatMs = 0;
  #retryAfterMs = 0;
  /** 0 while nothing waits. */
  #lingerUntilMs = 0;
  #inventoryDueMs = Number.POSITIVE_INFINITY;
  /** Written on the next tick: on a machine of its own a device would not hold up the next one with it. */
  readonly #toRecord: EventDraft[] = [];

  constructor(
    { identity, ledger, applied }: StoredDevice,
    random: SeededRandom,
    surroundings: DeviceSurroundings,
  ) {
    this.#identity = identity;
    this.#random = random;
    this.#surroundings = surroundings;
    this.hostname = identity.hostname;
    this.id = identity.device;
    this.organisation = identity.organisation;
    this.#aiAgents = createAiAgents(random, this.id, Date.now());
    const key = createPrivateKey(identity.keyPem);
    this.#ledger = new DeviceLedger({ organisation: this.organisation, device: this.id, key }, ledger);
    this.#enforcers = new SimulatedEnforcers(this, applied, { ...surroundings, random });
    for (const { keyId, publicKey } of identity.policyKeys) surroundings.verifier.trust(keyId, publicKey);
    this.record(agentStarted(SIMULATED_VERSION));
  }

  get identity(): DeviceIdentity {
    return this.#identity;
  }

  get connected(): boolean {
    return this.#welcomed;
  }

  /** Entries that are not durable yet. */
  get queueDepth(): number {
    return this.#ledger.queueDepth + this.#toRecord.length;
  }

  /** Entries recorded since the device was enrolled. */
  get ledgerSeq(): number {
    return this.#ledger.head.seq;
  }

  revisionOf(kind: StateKindName): number {
    return this.#enforcers.revisionOf(kind);
  }

  /** A renewed certificate; used from the next connection on. */
  useIdentity(identity: DeviceIdentity): void {
    this.#identity = identity;
  }

  connect(): void {
    const { link, keyPem, certificate } = this.#identity;
    this.#ledger.rewind();
    this.#credit = 0;
    this.#connection = new LinkConnection(
      { ...link, root: this.#surroundings.root, keyPem, certificate },
      this,
    );
    const hello = this.#vitalSigns.hello(this.id, this.hostname, this.#ledger, this.#enforcers);
    this.#send({ $case: 'hello', value: hello });
  }

  disconnect(how: 'politely' | 'abruptly'): void {
    this.#connection?.close(how);
  }

  onEnd({ code, retryAfterMs }: LinkEnding): void {
    this.#connection = undefined;
    this.#welcomed = false;
    const asked = Math.max(retryAfterMs, this.#retryAfterMs);
    this.#retryAfterMs = 0;
    this.#surroundings.observer.onEnd(this, { code, retryAfterMs: asked });
  }

  onMessage({ body }: ControlMessage): void {
    switch (body?.$case) {
      case 'desired':
        this.#enforcers.receive(body.value);
        return;
      case 'command':
        this.#execute(body.value);
        return;
      case 'eventAck':
        this.#acknowledged(Number(body.value.durableThroughSeq));
        return;
      case 'credit':
        this.#credit += body.value.batches;
        this.flush();
        return;
      case 'retry':
        this.#retryAfterMs = body.value.afterMs;
        return;
      case 'pace':
        this.#heartbeatMs = body.value.heartbeatMs;
        this.#nextHeartbeatMs = Math.min(this.#nextHeartbeatMs, Date.now() + this.#heartbeatMs);
        return;
      case undefined:
        return;
    }
  }

  onProgress(progress: Progress): void {
    const { kind, slot, phase, error } = progress;
    const { revision, digest } = slot;
    const affected = kind === 'freeze' ? countProcesses(frozenOf(this.#aiAgents, this.#enforcers)) : 1;
    this.#send({
      $case: 'ack',
      value: {
        kind: STATE_KINDS[kind],
        revision,
        digest,
        phase,
        code: error?.code ?? '',
        detail: error?.message ?? '',
        affected: phase === Phase.PHASE_APPLIED ? affected : 0,
      },
    });
    this.#surroundings.observer.onProgress(this, progress);
  }

  onSwitched(kind: StateKindName, bundle: SignedBundle): void {
    const applied = this.#enforcers.applied[kind];
    if (applied === undefined) return;
    this.#surroundings.store?.saveApplied(this.id, kind, applied, bundle.payload);
    this.#toRecord.push(
      stateApplied(kind, applied.revision, frozenOf(this.#aiAgents, this.#enforcers).length),
    );
    if (kind === 'freeze') this.#inventoryDueMs = Date.now() + this.#random.next() * INVENTORY_WITHIN_MS;
  }

  /** Called by the fleet's clock. */
  tick(nowMs: number): void {
    if (this.#toRecord.length > 0) for (const draft of this.#toRecord.splice(0)) this.record(draft);
    if (!this.#welcomed) return;
    if (nowMs >= this.#nextHeartbeatMs) this.#beat(nowMs);
    if (nowMs >= this.#inventoryDueMs) this.#sendInventory();
    this.flush();
  }

  /** One of the AI agents that are not frozen calls a model. */
  emitModelCall(): void {
    const running = this.#aiAgents.filter((agent) => !isFrozen(agent, this.#enforcers.freezes));
    if (running.length === 0) return;
    const policy = { revision: this.revisionOf('policy'), enforced: this.#enforcers.enforcing };
    this.record(modelCall(this.#random, this.#random.pick(running), policy));
  }

  record(draft: EventDraft): void {
    const [least, most] = this.#surroundings.behaviour.lingerMs;
    if (this.#lingerUntilMs === 0)
      this.#lingerUntilMs = Date.now() + least + this.#random.next() * (most - least);
    const written = this.#ledger.append(draft, new Date());
    if (written.length > 0) this.#surroundings.store?.append(this.id, this.#ledger.head, written);
  }

  /** Sends what waits, as far as the control plane's credit goes. */
  flush(): void {
    if (Date.now() < this.#lingerUntilMs) return;
    while (this.#welcomed && this.#credit > 0) {
      const batch = this.#ledger.nextBatch();
      if (batch === undefined) {
        this.#lingerUntilMs = 0;
        return;
      }
      this.#credit -= 1;
      this.#send({ $case: 'events', value: batch });
      if (this.#credit > 0 && this.#random.chance(this.#surroundings.behaviour.duplicateBatch)) {
        this.#credit -= 1;
        this.#send({ $case: 'events', value: batch });
      }
    }
  }

  #acknowledged(seq: number): void {
    this.#ledger.acknowledge(seq);
    this.#surroundings.store?.forgetThrough(this.id, seq);
    if (!this.#welcomed) {
      this.#welcomed = true;
      this.#surroundings.observer.onWelcome(this);
      this.#sendInventory();
      this.#beat(Date.now());
    }
    this.flush();
  }

  #send(body: AgentMessage['body']): void {
    this.#connection?.send({ body });
  }

  #beat(nowMs: number): void {
    // ±20 %, so that a fleet that was started together does not beat together.
    this.#nextHeartbeatMs = nowMs + this.#heartbeatMs * (0.8 + this.#random.next() * 0.4);
    const value = heartbeat(this.#aiAgents, this.#ledger, this.#enforcers, this.#random);
    this.#send({ $case: 'heartbeat', value });
  }

  #sendInventory(): void {
    this.#inventoryDueMs = Number.POSITIVE_INFINITY;
    this.#send({ $case: 'inventory', value: inventory(this.#aiAgents, this.#enforcers) });
  }

  #execute({ id, bundle }: Command): void {
    const failure = this.#refusalOf(id, bundle);
    if (failure === undefined) this.#sendInventory();
    this.#send({
      $case: 'commandResult',
      value: {
        commandId: id,
        ok: failure === undefined,
        code: failure?.code ?? '',
        detail: failure?.message ?? 'This device is simulated.',
        resultJson: '{"simulated":true}',
      },
    });
  }

  #refusalOf(id: string, bundle: SignedBundle | undefined): RaypherError | undefined {
    if (bundle === undefined) return new RaypherError('link/protocol', 'The command has no bundle.');
    try {
      const payload = this.#surroundings.verifier.open(bundle, undefined, this.organisation);
      if (payload.kind === 'command' && payload.device === this.id && payload.id === id) return undefined;
      return new RaypherError('request/invalid', 'The command is not meant for this device.');
    } catch (error) {
      if (error instanceof RaypherError) return error;
      return new RaypherError('internal/unexpected', 'The command could not be read.', { cause: error });
    }
  }
}
