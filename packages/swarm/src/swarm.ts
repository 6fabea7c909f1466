import { type LinkTransport, Phase } from '@raypher/shared';
import type { StateKindName } from './device/applied-state.ts';
import { BundleVerifier } from './device/bundle-verifier.ts';
import { type DeviceBehaviour, GOOD_BEHAVIOUR } from './device/device-behaviour.ts';
import type { LinkEnding } from './device/link-connection.ts';
import { type DeviceObserver, SimulatedDevice } from './device/simulated-device.ts';
import type { Progress } from './device/simulated-enforcers.ts';
import { ControlPlane } from './enrolment/control-plane.ts';
import { type AppliedAt, AppliedLog } from './fleet/applied-log.ts';
import { renewIdentity } from './fleet/device-identity.ts';
import { Dialler } from './fleet/dialler.ts';
import { FleetStore, type StoredDevice } from './fleet/fleet-store.ts';
import type { FleetWitness } from './fleet/fleet-witness.ts';
import { musterDevices } from './fleet/muster.ts';
import type { Ramp } from './fleet/ramp.ts';
import { Waiters } from './fleet/waiters.ts';
import { SeededRandom } from './random.ts';

export interface SwarmOptions {
  /** Origin of the control plane, https. */
  server: URL;
  /** `rpt1.…`, usable as often as there are new devices. */
  token: string;
  devices: number;
  /** The same seed behaves the same; keys and device ids are new for every enrolment. */
  seed: string;
  /** Model calls per second of the whole fleet; 0 is a silent fleet. */
  eventsPerSecond?: number;
  connectsPerSecond?: number;
  /** How new connections grow to that rate. Default: steady, and half a minute for those that grow. */
  ramp?: Partial<Omit<Ramp, 'connectsPerSecond'>>;
  behaviour?: Partial<DeviceBehaviour>;
  /** What carries the links: gRPC, unless something else is to be tried. */
  transport?: LinkTransport;
  /** Keeps identities and ledgers for the next start; without it every start enrols new devices. */
  directory?: string;
  witness?: FleetWitness;
}

export interface SwarmStats {
  devices: number;
  /** Enrolled by this start; the others were remembered. */
  enrolled: number;
  connected: number;
  /** Dialling, or waiting for their turn. */
  connecting: number;
  /** Turned away for good by the control plane. */
  refused: number;
  /** Ledger entries recorded over the life of these devices, and those that are not durable yet. */
  entries: number;
  waitingEntries: number;
  rejectedStates: number;
  /** Ends of connections by code. */
  endings: Record<string, number>;
}

/** The clock of the fleet: model calls, heartbeats, batches and dials happen on its ticks. */
const TICK_MS = 50;
const RENEWAL_CHECK_MS = 60_000;
const HANDSHAKES = 64;
const DEFAULT_RAMP: Ramp = { kind: 'steady', connectsPerSecond: 200, seconds: 30 };

/** After these, dialling again cannot help; `device/replaced` would only start a fight with the other one. */
const FINAL =
  /^(device\/(revoked|replaced|identity-mismatch|certificate-unknown|certificate-expired)|ledger\/.*|link\/version)$/;

/**
 * A fleet of simulated devices in this process.
 *
 * @example
 * const swarm = new Swarm({ server: new URL('https://127.0.0.1:8443'), token, devices: 50, seed: 'demo' });
 * await swarm.start();
 * await swarm.waitForConnected(30_000);
 * await swarm.stop();
 */
export class Swarm implements DeviceObserver {
  readonly #options: SwarmOptions;
  readonly #behaviour: DeviceBehaviour;
  readonly #random: SeededRandom;
  readonly #verifier = new BundleVerifier();
  readonly #devices: SimulatedDevice[] = [];
  readonly #dialler: Dialler<SimulatedDevice>;
  readonly #appliedLog = new AppliedLog();
  readonly #waiters = new Waiters();
  readonly #refused = new Set<SimulatedDevice>();
  readonly #endings: Record<string, number> = {};
  readonly #stopping = new AbortController();
  #controlPlane: ControlPlane | undefined;
  #store: FleetStore | undefined;
  #clock: NodeJS.Timeout | undefined;
  #renewals: NodeJS.Timeout | undefined;
  #lastTickMs = 0;
  #dialling = false;
  #enrolled = 0;
  #rejectedStates = 0;
  #eventsPerSecond: number;

  constructor(options: SwarmOptions) {
    this.#options = options;
    this.#eventsPerSecond = options.eventsPerSecond ?? 0;
    this.#behaviour = { ...GOOD_BEHAVIOUR, ...options.behaviour };
    this.#random = new SeededRandom(options.seed);
    const { connectsPerSecond = DEFAULT_RAMP.connectsPerSecond } = options;
    this.#dialler = new Dialler({
      ramp: { ...DEFAULT_RAMP, ...options.ramp, connectsPerSecond },
      handshakes: HANDSHAKES,
      random: () => this.#random.next(),
    });
  }

  /**
   * Enrols whoever is not enrolled yet; each device connects as soon as it is ready.
   *
   * @returns when the last one is enrolled
   * @throws RaypherError when the control plane refuses an enrolment
   */
  async start(): Promise<void> {
    this.connect();
    await this.enrol();
  }

  /** Lets devices dial: those that are ready now, and the others once they are. */
  connect(): void {
    this.#dialling = true;
    for (const device of this.#devices) this.#dialler.add(device, Date.now());
  }

  /** {@link start} without dialling. */
  async enrol(): Promise<void> {
    const { server, token, directory, devices, seed } = this.#options;
    const controlPlane = await ControlPlane.reach(server, token);
    this.#controlPlane = controlPlane;
    if (directory !== undefined) this.#store = new FleetStore(directory, controlPlane.root);
    this.#lastTickMs = Date.now();
    this.#clock = setInterval(() => this.#tick(Date.now()), TICK_MS);
    this.#renewals = setInterval(() => void this.#renewDue(), RENEWAL_CHECK_MS);
    const muster = { devices, seed, controlPlane, store: this.#store, signal: this.#stopping.signal };
    this.#enrolled = await musterDevices(muster, (stored, index) =>
      this.#add(stored, index, controlPlane.root),
    );
  }

  #add(stored: StoredDevice, index: number, root: string): void {
    const device = new SimulatedDevice(stored, `${this.#options.seed}/${index}`, {
      root,
      verifier: this.#verifier,
      behaviour: this.#behaviour,
      transport: this.#options.transport ?? 'grpc',
      observer: this,
      store: this.#store,
      witness: this.#options.witness ?? {},
    });
    this.#devices.push(device);
    if (this.#dialling) this.#dialler.add(device, Date.now());
  }

  /** Says goodbye on every stream and lets go of everything. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    clearInterval(this.#clock);
    clearInterval(this.#renewals);
    for (const device of this.#devices) {
      this.#dialler.forget(device);
      device.disconnect('politely');
      device.letGo();
    }
    await this.#controlPlane?.close();
    this.#store?.close();
  }

  /** From now on all devices behave like this. */
  behave(change: Partial<DeviceBehaviour>): void {
    Object.assign(this.#behaviour, change);
  }

  /** No more model calls; what was recorded is still delivered. */
  pauseEvents(): void {
    this.#eventsPerSecond = 0;
  }

  /** Model calls per second of the whole fleet from now on. */
  resumeEvents(perSecond: number): void {
    this.#eventsPerSecond = perSecond;
  }

  /** Devices that were turned away for good. */
  isRefused(device: SimulatedDevice): boolean {
    return this.#refused.has(device);
  }

  stats(): SwarmStats {
    return {
      devices: this.#options.devices,
      enrolled: this.#enrolled,
      connected: this.#devices.filter(({ connected }) => connected).length,
      connecting: this.#dialler.waiting,
      refused: this.#refused.size,
      entries: this.#devices.reduce((total, { ledgerSeq }) => total + ledgerSeq, 0),
      waitingEntries: this.#devices.reduce((total, { queueDepth }) => total + queueDepth, 0),
      rejectedStates: this.#rejectedStates,
      endings: { ...this.#endings },
    };
  }

  /** The devices as they are now; what they may be told to do is their own interface. */
  get devices(): readonly SimulatedDevice[] {
    return this.#devices;
  }

  /** Resolves when this holds for every device of the whole fleet. @throws Error naming `what` after `timeoutMs` */
  waitFor(what: string, timeoutMs: number, condition: (device: SimulatedDevice) => boolean): Promise<void> {
    return this.#waiters.wait(what, timeoutMs, () => this.#all(condition));
  }

  /** Resolves when all devices are connected. @throws Error after `timeoutMs` */
  waitForConnected(timeoutMs: number): Promise<void> {
    return this.waitFor('every device connected', timeoutMs, ({ connected }) => connected);
  }

  /** Resolves when the control plane has confirmed every entry of every device. @throws Error after `timeoutMs` */
  waitForDurable(timeoutMs: number): Promise<void> {
    return this.waitFor('every entry durable', timeoutMs, ({ queueDepth }) => queueDepth === 0);
  }

  /**
   * Resolves when all devices run at least this revision.
   *
   * @returns when each device that applied exactly this revision did so
   * @throws Error after `timeoutMs`
   */
  async waitForApplied(kind: StateKindName, revision: number, timeoutMs: number): Promise<AppliedAt[]> {
    const what = `${kind} revision ${revision} on every device`;
    await this.waitFor(what, timeoutMs, (device) => device.revisionOf(kind) >= revision);
    return this.#appliedLog.timesOf(kind, revision);
  }

  #all(condition: (device: SimulatedDevice) => boolean): boolean {
    return this.#devices.length === this.#options.devices && this.#devices.every(condition);
  }

  onProgress(device: SimulatedDevice, { kind, slot, phase }: Progress): void {
    const revision = Number(slot.revision);
    if (phase === Phase.PHASE_RECEIVED) this.#appliedLog.received(kind, revision, device.id);
    if (phase === Phase.PHASE_APPLIED) this.#appliedLog.applied(kind, revision, device.id);
    if (phase === Phase.PHASE_REJECTED) this.#rejectedStates += 1;
  }

  onWelcome(device: SimulatedDevice): void {
    this.#dialler.welcomed(device);
    this.#options.witness?.welcomed?.(device.id);
  }

  onEnd(device: SimulatedDevice, { code }: LinkEnding, retryAfterMs: number): void {
    this.#endings[code] = (this.#endings[code] ?? 0) + 1;
    this.#options.witness?.ended?.(device.id, code);
    if (this.#stopping.signal.aborted) return;
    if (FINAL.test(code)) {
      this.#dialler.forget(device);
      this.#refused.add(device);
      return;
    }
    this.#dialler.lost(device, retryAfterMs, Date.now());
  }

  #tick(nowMs: number): void {
    const seconds = (nowMs - this.#lastTickMs) / 1_000;
    this.#lastTickMs = nowMs;
    this.#dialler.tick(nowMs);
    // One commit for the calls of the whole tick, and before anything of them is sent.
    this.#storedTogether(() => this.#emitModelCalls(seconds));
    for (const device of this.#devices) device.tick(nowMs);
    this.#waiters.check();
  }

  #storedTogether(change: () => void): void {
    if (this.#store === undefined) change();
    else this.#store.transaction(change);
  }

  #emitModelCalls(seconds: number): void {
    if (this.#devices.length === 0) return;
    const calls = this.#random.poisson(this.#eventsPerSecond * seconds);
    for (let index = 0; index < calls; index += 1) this.#random.pick(this.#devices).emitModelCall();
  }

  async #renewDue(): Promise<void> {
    const controlPlane = this.#controlPlane;
    for (const device of this.#devices) {
      if (controlPlane === undefined || this.#stopping.signal.aborted) return;
      if (Date.now() < device.identity.renewAfterMs || this.#refused.has(device)) continue;
      try {
        const renewed = await renewIdentity(controlPlane, device.identity);
        device.useIdentity(renewed);
        this.#store?.saveIdentity(renewed);
      } catch {
        // The certificate is good for a while after renewAfter: the next check tries again.
        return;
      }
    }
  }
}
