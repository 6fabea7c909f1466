import { createPrivateKey } from 'node:crypto';
import { parseCheckpoint, parseNote } from '@raypher/ledger';
import {
  type AgentMessage,
  type Command,
  type ControlMessage,
  type EventBatch,
  type LinkTransport,
  type LogSeen,
  Phase,
  RaypherError,
  type SignedBundle,
} from '@raypher/shared';
import { type DeviceIdentity, SIMULATED_VERSION } from '../fleet/device-identity.ts';
import type { FleetStore, StoredDevice } from '../fleet/fleet-store.ts';
import type { FleetWitness } from '../fleet/fleet-witness.ts';
import { SeededRandom } from '../random.ts';
import { createAiAgents, isFrozen, type SimulatedAiAgent } from './ai-agents.ts';
import { STATE_KINDS, type StateKindName } from './applied-state.ts';
import type { BundleVerifier } from './bundle-verifier.ts';
import type { DeviceBehaviour } from './device-behaviour.ts';
import { DeviceClock } from './device-clock.ts';
import { DeviceLedger } from './device-ledger.ts';
import { agentStarted, type EventDraft, stateApplied } from './event-drafts.ts';
import { LinkConnection, type LinkEnding, type LinkListener } from './link-connection.ts';
import { Misfortune, Recurrence } from './misfortune.ts';
import { modelCall } from './model-call.ts';
import { type EnforcerHost, type Progress, SimulatedEnforcers } from './simulated-enforcers.ts';
import { SimulatedSpending } from './simulated-spending.ts';
import { countProcesses, frozenOf, heartbeat, inventory, VitalSigns } from './vital-signs.ts';

/** What a device tells the fleet it belongs to. */
export interface DeviceObserver {
  /** Handed to the stream: RECEIVED, VERIFIED, APPLIED or REJECTED. */
  onProgress(device: SimulatedDevice, progress: Progress): void;
  /** Hello was answered: the device is connected. */
  onWelcome(device: SimulatedDevice): void;
  /** @param retryAfterMs how long the control plane asked the device to stay away; 0 when it did not */
  onEnd(device: SimulatedDevice, ending: LinkEnding, retryAfterMs: number): void;
}

/** What all devices of a fleet share. */
export interface DeviceSurroundings {
  /** PEM of the root CA. */
  root: string;
  transport: LinkTransport;
  verifier: BundleVerifier;
  /** Always this object; what is in it may change. */
  behaviour: DeviceBehaviour;
  observer: DeviceObserver;
  store: FleetStore | undefined;
  witness: FleetWitness;
}

const DEFAULT_HEARTBEAT_MS = 30_000;
/** A change on the machine reaches the control plane within this, as the agent's own scan would find it. */
const INVENTORY_WITHIN_MS = 1_000;
/** A batch whose connection is to break while it is under way: within this time. */
const CUT_WITHIN_MS = 100;

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
  readonly #spending = new SimulatedSpending();
  readonly #vitalSigns = new VitalSigns();
  readonly #clock: DeviceClock;
  readonly #misfortune: Misfortune;
  readonly #drops: Recurrence;
  readonly #hangs: Recurrence;
  #identity: DeviceIdentity;
  #connection: LinkConnection | undefined;
  /** Left open and silent. */
  #hung: LinkConnection | undefined;
  #earlierBatch: EventBatch | undefined;
  #cutDueMs = Number.POSITIVE_INFINITY;
  #lastTickMs = Date.now();
  /** Hello was answered: we know from where to send. */
  #welcomed = false;
  /** It was connected since it was started: from then on it has been sent a policy, if there is one. */
  #begun = false;
  #credit = 0;
  #logSeen: LogSeen = { origin: '', size: 0n };
  #heartbeatMs = DEFAULT_HEARTBEAT_MS;
  #nextHeartbeatMs = 0;
  #retryAfterMs = 0;
  /** 0 while nothing waits. */
  #lingerUntilMs = 0;
  #inventoryDueMs = Number.POSITIVE_INFINITY;
  /** Written on the next tick: on a machine of its own a device would not hold up the next one with it. */
  readonly #toRecord: EventDraft[] = [];

  constructor({ identity, ledger, applied }: StoredDevice, seed: string, surroundings: DeviceSurroundings) {
    const random = new SeededRandom(seed);
    this.#identity = identity;
    this.#random = random;
    this.#clock = new DeviceClock(new SeededRandom(`${seed}/clock`), Date.now());
    this.#misfortune = new Misfortune(seed);
    this.#drops = new Recurrence(`${seed}/drops`);
    this.#hangs = new Recurrence(`${seed}/hangs`);
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
    this.#earlierBatch = undefined;
    this.#cutDueMs = Number.POSITIVE_INFINITY;
    const { root, transport } = this.#surroundings;
    this.#connection = new LinkConnection({ ...link, root, transport, keyPem, certificate }, this);
    const { protocol } = this.#behaviour;
    const hello = this.#vitalSigns.hello(this.id, this.hostname, this.#ledger, this.#enforcers, protocol);
    this.#send({ $case: 'hello', value: hello });
  }

  disconnect(how: 'politely' | 'abruptly'): void {
    this.#connection?.close(how);
  }

  /** Leaves the connection as it is, reads nothing and says nothing on it any more, and dials anew. */
  hang(): void {
    this.letGo();
    this.#hung = this.#connection;
    this.#connection?.hang();
  }

  /** Closes the connection that was left hanging. */
  letGo(): void {
    this.#hung?.hangUp();
    this.#hung = undefined;
  }

  get #behaviour(): DeviceBehaviour {
    return this.#surroundings.behaviour;
  }

  /** How long it reads nothing after a message, milliseconds. */
  readPauseMs(): number {
    const [least, most] = this.#behaviour.readDelayMs;
    return most === 0 ? 0 : least + this.#random.next() * (most - least);
  }

  onEnd(ending: LinkEnding): void {
    this.#connection = undefined;
    this.#welcomed = false;
    const asked = this.#retryAfterMs;
    this.#retryAfterMs = 0;
    this.#surroundings.observer.onEnd(this, ending, asked);
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
      case 'logCheckpoint':
        this.#logSeen = logSeenIn(body.value.note);
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
    const elapsedMs = nowMs - this.#lastTickMs;
    this.#lastTickMs = nowMs;
    const { dropPerMinute, hangPerMinute } = this.#behaviour;
    if (this.#drops.passed(elapsedMs, dropPerMinute) || nowMs >= this.#cutDueMs) this.disconnect('abruptly');
    if (this.#hangs.passed(elapsedMs, hangPerMinute)) this.hang();
    if (!this.#welcomed) return;
    if (nowMs >= this.#nextHeartbeatMs) this.#beat(nowMs);
    if (nowMs >= this.#inventoryDueMs) this.#sendInventory();
    this.flush();
  }

  /** One of the AI agents that are not frozen calls a model. They begin when the device was connected once. */
  emitModelCall(): void {
    if (!this.#begun && this.revisionOf('policy') === 0) return;
    const running = this.#aiAgents.filter((agent) => !isFrozen(agent, this.#enforcers.freezes));
    if (running.length === 0) return;
    const agent = this.#random.pick(running);
    this.record(modelCall(this.#random, agent, this.#enforcers.policy, this.#spending));
  }

  record(draft: EventDraft): void {
    const nowMs = Date.now();
    const [least, most] = this.#behaviour.lingerMs;
    if (this.#lingerUntilMs === 0) this.#lingerUntilMs = nowMs + least + this.#random.next() * (most - least);
    const written = this.#ledger.append(draft, new Date(this.#clock.read(nowMs, this.#behaviour)));
    if (written.length > 0) this.#surroundings.store?.append(this.id, this.#ledger.head, written);
    const firstSeq = this.#ledger.head.seq - written.length + 1;
    for (const [index, bytes] of written.entries())
      this.#surroundings.witness.recorded?.(this.id, firstSeq + index, bytes);
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
      this.#deliver(batch);
    }
  }

  /** Sends a batch, and does to it what fate has in store. */
  #deliver(batch: EventBatch): void {
    const fate = this.#misfortune.fateOf(Number(batch.firstSeq), this.#behaviour);
    const earlier = this.#earlierBatch;
    this.#earlierBatch = batch;
    this.#sendBatch(fate.bad ? { ...batch, signature: spoilt(batch.signature) } : batch);
    if (fate.twice) this.#sendBatch(batch);
    if (fate.earlierAgain && earlier !== undefined) this.#sendBatch(earlier);
    if (fate.cut) this.#cutDueMs = Date.now() + this.#random.next() * CUT_WITHIN_MS;
  }

  #sendBatch(batch: EventBatch): void {
    if (this.#credit === 0) return;
    this.#credit -= 1;
    this.#send({ $case: 'events', value: batch });
  }

  #acknowledged(seq: number): void {
    this.#ledger.acknowledge(seq);
    this.#surroundings.store?.forgetThrough(this.id, seq);
    this.#surroundings.witness.acknowledged?.(this.id, seq);
    if (!this.#welcomed) {
      this.#welcomed = true;
      this.#begun = true;
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
    const atMs = BigInt(this.#clock.read(nowMs, this.#behaviour));
    const isCurrent = this.#behaviour.protocol === 'current';
    const posture = isCurrent ? value.posture : [];
    const logSeen = isCurrent ? this.#logSeen : undefined;
    this.#send({ $case: 'heartbeat', value: { ...value, atMs, posture, logSeen } });
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

/** The same signature with its last bit changed. */
function spoilt(signature: Buffer): Buffer {
  const changed = Buffer.from(signature);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}

/** Believed without a look at its signature: the agent is the one that holds logs to what it saw. */
function logSeenIn(note: string): LogSeen {
  const { origin, size } = parseCheckpoint(parseNote(note).text);
  return { origin, size: BigInt(size) };
}
