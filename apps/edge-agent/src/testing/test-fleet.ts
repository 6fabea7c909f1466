import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GENESIS_HASH } from '@raypher/ledger';
import type { CommandPayload, FreezePayload, PolicyPayload } from '@raypher/shared';
import { LiveConnections } from '../connections/live-connections.ts';
import { enroll } from '../identity/enroll.ts';
import type { Enrolment } from '../identity/enrolment.ts';
import type { KeyProvider } from '../identity/key-provider.ts';
import { SoftwareKeyProvider } from '../identity/software-key-provider.ts';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import { Ledger } from '../ledger/ledger.ts';
import { openDatabase } from '../store/database.ts';
import { EventLog } from '../store/event-log.ts';
import { KeptCheckpoints } from '../store/kept-checkpoints.ts';
import { SeenCommands } from '../store/seen-commands.ts';
import { StateSlots } from '../store/state-slots.ts';
import type { BatchTracer } from '../uplink/batch-trace.ts';
import { BundleVerifier } from '../uplink/bundle-verifier.ts';
import { Commands } from '../uplink/commands.ts';
import { DesiredState } from '../uplink/desired-state.ts';
import type { AppliedState, Enforcer, VerifiedState } from '../uplink/enforcer.ts';
import { LogFollower } from '../uplink/log-follower.ts';
import { Uplink } from '../uplink/uplink.ts';

/** A control plane to enrol at: the small one of the tests, or a real one. */
export interface EnrolsAt {
  server: URL;
  token: string;
  /** Resolves with the next Hello. */
  hello?: () => Promise<unknown>;
}

/** An enforcer that keeps what it is given, and can be told to fail. */
export class TestEnforcer<P extends PolicyPayload | FreezePayload> implements Enforcer<P> {
  readonly kind: 'policy' | 'freeze';
  failure: Error | undefined;
  #state: AppliedState | undefined;

  constructor(kind: 'policy' | 'freeze') {
    this.kind = kind;
  }

  async apply({ revision, digest }: VerifiedState<P>): Promise<number> {
    if (this.failure !== undefined) throw this.failure;
    this.#state = { revision, digest };
    return 3;
  }

  current(): AppliedState | undefined {
    return this.#state;
  }
}

export interface TestDevice {
  uplink: Uplink;
  ledger: Ledger;
  log: EventLog;
  policy: TestEnforcer<PolicyPayload>;
  policyState: DesiredState<PolicyPayload>;
  /** What goes through its proxy. */
  connections: LiveConnections;
  /** Commands that were carried out. */
  ran: CommandPayload[];
  close: () => Promise<void>;
}

/** Devices of one enrolment: real store, ledger, identity and uplink; only what they enforce is a stand-in. */
export class TestFleet {
  readonly folder = mkdtempSync(join(tmpdir(), 'raypher-uplink-'));
  readonly plane: EnrolsAt;
  readonly keys: KeyProvider;
  enrolment: Enrolment;
  /** Of devices that are opened from now on. */
  proxy: URL | undefined;
  readonly #open: TestDevice[] = [];

  private constructor(plane: EnrolsAt, keys: KeyProvider, enrolment: Enrolment) {
    this.plane = plane;
    this.keys = keys;
    this.enrolment = enrolment;
  }

  /** @param keys of the device; a new key in a file when left out */
  static async enrol(plane: EnrolsAt, keys?: KeyProvider): Promise<TestFleet> {
    const used =
      keys ??
      (await SoftwareKeyProvider.open(join(mkdtempSync(join(tmpdir(), 'raypher-key-')), 'device.key')));
    return new TestFleet(plane, used, await enroll(plane.server, plane.token, used));
  }

  /** @param store another file is another disk under the same identity */
  open(store = 'agent.db', traces?: BatchTracer): TestDevice {
    const { enrolment, keys } = this;
    const { db } = openDatabase(join(this.folder, store));
    const log = new EventLog(db);
    const ledger = new Ledger(log, { organisation: enrolment.organisation.id, device: enrolment.device });
    const verifier = new BundleVerifier(enrolment.organisation.id, enrolment.policyKeys);
    const slots = new StateSlots(db);
    const policy = new TestEnforcer<PolicyPayload>('policy');
    const freeze = new TestEnforcer<FreezePayload>('freeze');
    const policyState = new DesiredState<PolicyPayload>({
      kind: 'policy',
      enforcer: policy,
      verify: (bundle, digest) => verifier.verify('policy', bundle, digest),
      slots,
      ledger,
    });
    const freezeState = new DesiredState<FreezePayload>({
      kind: 'freeze',
      enforcer: freeze,
      verify: (bundle, digest) => verifier.verify('freeze', bundle, digest),
      slots,
      ledger,
    });
    const ran: CommandPayload[] = [];
    const act = async (payload: CommandPayload) => ({ done: ran.push(payload) });
    const commands = new Commands({
      device: enrolment.device,
      verifier,
      seen: new SeenCommands(db),
      ledger,
      actions: {
        scan: act,
        kill: act,
        'put-secret': act,
        'revoke-secret': act,
        'cut-connection': act,
        'decide-approval': act,
        panic: act,
      },
    });
    const connections = new LiveConnections();
    const follower = new LogFollower({
      store: new KeptCheckpoints(db, enrolment.organisation.id),
      verifyLogKey: (statement) => verifier.verifyLogKey(statement),
      record: (event) => ledger.note(event),
      failed: (error) => {
        throw error;
      },
    });
    const uplink = new Uplink({
      connections,
      traces,
      enrolment: () => enrolment,
      keys,
      proxy: this.proxy,
      ledger,
      log,
      policy: policyState,
      freeze: freezeState,
      execute: (command) => commands.execute(command),
      follow: (checkpoint) => follower.receive(checkpoint),
      report: {
        applied: () => ({ policy: policy.current(), freeze: freeze.current() }),
        posture: () => [],
        ledgerHead: () => (log.restarted() ? { seq: 0, hash: GENESIS_HASH } : ledger.head),
        queueDepth: () => ledger.head.seq - log.durableThrough(),
        vaultKey: () => undefined,
        logSeen: () => follower.kept ?? { origin: '', size: 0 },
        counts: () => ({ processes: 5, aiAgents: 1, frozenProcesses: 0, connections: 2 }),
      },
    });
    const close = async () => {
      await uplink.stop();
      ledger.flush();
      if (db.isOpen) db.close();
    };
    const device: TestDevice = { uplink, ledger, log, policy, policyState, connections, ran, close };
    this.#open.push(device);
    return device;
  }

  async connect(device: TestDevice): Promise<void> {
    const greeted = this.plane.hello?.();
    device.uplink.start();
    await greeted;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((device) => device.close()));
  }

  policy(revision: number, changes: Partial<PolicyPayload> = {}): PolicyPayload {
    return { kind: 'policy', ...this.#stamp(revision), documents: [], ...changes };
  }

  freeze(revision: number, changes: Partial<FreezePayload> = {}): FreezePayload {
    return { kind: 'freeze', ...this.#stamp(revision), freezes: [], ...changes };
  }

  command(changes: Partial<CommandPayload> = {}): CommandPayload {
    return {
      kind: 'command',
      id: randomUUID(),
      organisation: this.enrolment.organisation.id,
      device: this.enrolment.device,
      verb: 'scan',
      arguments: {},
      reason: 'test',
      issuedAt: new Date().toISOString(),
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
      ...changes,
    };
  }

  #stamp(revision: number): { organisation: string; revision: number; issuedAt: string } {
    return { organisation: this.enrolment.organisation.id, revision, issuedAt: new Date().toISOString() };
  }
}

export function networkEvent(target: string): EventDraft {
  return { type: 'network.request', severity: 'info', actor: EDGE_AGENT, action: 'call', target, data: {} };
}
