import type { CommandPayload, FreezePayload, PolicyPayload } from '@raypher/shared';
import type { Logger } from 'pino';
import type { ApprovalDesk } from '../approvals/approval-desk.ts';
import { decideApproval } from '../approvals/decide-command.ts';
import type { LeaseKeeper } from '../budgets/lease-keeper.ts';
import { cutConnection, cutOf } from '../connections/cut-connection.ts';
import type { LiveConnections } from '../connections/live-connections.ts';
import type { Inventory } from '../discovery/inventory.ts';
import { type Enrolment, saveEnrolment } from '../identity/enrolment.ts';
import { needsPerson, remainingValidityMs, startRenewalLoop } from '../identity/renewal.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { Panic } from '../panic/panic.ts';
import { panicOnCommand } from '../panic/panic-command.ts';
import type { PolicyEnforcer } from '../proxy/policy-enforcer.ts';
import { KeptCheckpoints } from '../store/kept-checkpoints.ts';
import { PushedKeys } from '../store/pushed-keys.ts';
import { SeenCommands } from '../store/seen-commands.ts';
import { StateSlots } from '../store/state-slots.ts';
import { BatchTracer } from '../uplink/batch-trace.ts';
import { BundleVerifier } from '../uplink/bundle-verifier.ts';
import { Commands } from '../uplink/commands.ts';
import { DesiredState } from '../uplink/desired-state.ts';
import type { DeviceReport } from '../uplink/device-report.ts';
import { LogFollower } from '../uplink/log-follower.ts';
import { type LinkStatus, Uplink } from '../uplink/uplink.ts';
import type { Vault } from '../vault/vault.ts';
import { putSecret, revokeSecret } from '../vault/vault-commands.ts';
import type { FreezeEnforcer } from './freeze-enforcer.ts';
import type { OpenedAgent } from './open-agent.ts';
import type { AgentPaths } from './paths.ts';
import { numberArgument, type ProcessKiller } from './process-killer.ts';
import { standingEvent, standingOf } from './standing.ts';

export interface ControlPlaneParts {
  agent: OpenedAgent;
  membership: NonNullable<OpenedAgent['membership']>;
  paths: AgentPaths;
  policy: PolicyEnforcer;
  freeze: FreezeEnforcer;
  inventory: Inventory;
  killer: ProcessKiller;
  panic: Panic;
  connections: LiveConnections;
  approvals: ApprovalDesk;
  vault: Vault | undefined;
  leases: LeaseKeeper | undefined;
  report: DeviceReport;
  /** Through which the control plane is reached; undefined: directly. */
  proxy: URL | undefined;
  log: Logger;
}

/** Everything that exists because the device belongs to an organisation. */
export class ControlPlane {
  readonly uplink: Uplink;
  readonly follower: LogFollower;
  readonly #policy: DesiredState<PolicyPayload>;
  readonly #freeze: DesiredState<FreezePayload>;
  readonly #parts: ControlPlaneParts;
  #enrolment: Enrolment;
  #stopRenewal: (() => void) | undefined;

  constructor(parts: ControlPlaneParts) {
    const { agent, membership, log } = parts;
    const { ledger } = agent;
    this.#parts = parts;
    this.#enrolment = membership.enrolment;
    const verifier = new BundleVerifier(this.#enrolment.organisation.id, this.#enrolment.policyKeys);
    const slots = new StateSlots(agent.db);
    const pushed = new PushedKeys(agent.db);
    this.#policy = new DesiredState({
      kind: 'policy',
      enforcer: parts.policy,
      verify: (bundle, digest) => verifier.verify('policy', bundle, digest),
      slots,
      ledger,
    });
    this.#freeze = new DesiredState({
      kind: 'freeze',
      enforcer: parts.freeze,
      verify: (bundle, digest) => verifier.verify('freeze', bundle, digest),
      slots,
      ledger,
    });
    const commands = new Commands({
      device: this.#enrolment.device,
      verifier,
      seen: new SeenCommands(agent.db),
      ledger,
      actions: {
        scan: () => this.#scan(),
        kill: (payload) => this.#kill(payload),
        'put-secret': (payload) => putSecret(parts.vault, pushed, payload),
        'revoke-secret': (payload) => revokeSecret(parts.vault, pushed, payload),
        'cut-connection': async (payload) =>
          cutConnection(parts.connections, (event) => ledger.note(event), cutOf(payload)),
        'decide-approval': (payload) => decideApproval(parts.approvals, payload),
        panic: (payload) => panicOnCommand(parts.panic, payload),
      },
    });
    this.follower = new LogFollower({
      store: new KeptCheckpoints(agent.db, this.#enrolment.organisation.id),
      verifyLogKey: (statement) => verifier.verifyLogKey(statement),
      record: (event) => ledger.note(event),
      failed: (error) =>
        log.warn({ error: String(error) }, "a checkpoint of the organisation's log was not taken"),
    });
    this.uplink = new Uplink({
      enrolment: () => this.#enrolment,
      keys: membership.keys,
      proxy: parts.proxy,
      ledger,
      log: agent.log,
      policy: this.#policy,
      freeze: this.#freeze,
      execute: (command) => commands.execute(command),
      report: parts.report,
      follow: (checkpoint) => this.follower.receive(checkpoint),
      connections: parts.connections,
      traces: BatchTracer.from(process.env),
      ...(parts.leases === undefined ? {} : { budgets: parts.leases }),
      changed: (status) => {
        const { state, reason, transport } = status;
        log.info({ state, reason, transport }, 'link to the control plane');
        this.#heard(status);
      },
    });
  }

  get enrolment(): Enrolment {
    return this.#enrolment;
  }

  /** Puts what was applied before the last stop in force again, before anything can be asked of the device. */
  async restore(): Promise<void> {
    await this.#policy.restore();
    // What cannot be verified must not thaw what it froze; the control plane will say what holds.
    if (await this.#freeze.restore()) await this.#parts.freeze.resume();
  }

  start(): void {
    const { membership, paths, proxy, log } = this.#parts;
    this.uplink.start();
    this.#stopRenewal = startRenewalLoop({
      enrolment: () => this.#enrolment,
      keys: membership.keys,
      proxy,
      renewed: (enrolment) => {
        // What was said meanwhile is newer than what the renewal started with.
        this.#enrolment = { ...enrolment, status: this.#enrolment.status };
        saveEnrolment(paths.enrolment, this.#enrolment);
        log.info({ renewAfter: enrolment.renewAfter }, 'certificate renewed');
        this.uplink.reconnect('the certificate was renewed');
      },
      failed: (error) => {
        const hours = Math.round(remainingValidityMs(this.#enrolment) / 3_600_000);
        const what = needsPerson(error)
          ? 'the certificate is not renewed until somebody has decided; what is enforced stays enforced'
          : 'the certificate could not be renewed';
        log.warn({ error: String(error), hoursLeft: hours }, what);
      },
    });
  }

  /** Keeps the control plane's word about this device, and records each change of it once, over restarts as well. */
  #heard(link: LinkStatus): void {
    const status = standingOf(link);
    if (status === undefined || status === this.#enrolment.status) return;
    const { agent, paths, log, leases } = this.#parts;
    if (status === 'revoked') leases?.end();
    this.#enrolment = { ...this.#enrolment, status };
    const event = standingEvent(status, link.reason);
    if (event !== undefined) agent.ledger.note(event);
    try {
      saveEnrolment(paths.enrolment, this.#enrolment);
    } catch (error) {
      log.error({ error: String(error) }, 'what the control plane said could not be stored');
    }
  }

  async stop(): Promise<void> {
    this.#stopRenewal?.();
    await this.uplink.stop();
    await Promise.all([this.#policy.settled(), this.#freeze.settled()]);
  }

  async #scan(): Promise<Record<string, unknown>> {
    const { processes, agents } = await this.#parts.inventory.refresh();
    return {
      processes: processes.length,
      aiAgents: agents.map(({ id, name, user, risk }) => ({ id, name, user, risk })),
    };
  }

  async #kill({ arguments: given, reason }: CommandPayload): Promise<Record<string, unknown>> {
    const actor: EventDraft['actor'] = { kind: 'control-plane', id: '', name: 'control plane' };
    const pid = numberArgument(given.pid, 'pid');
    const report = await this.#parts.killer.kill(
      pid,
      numberArgument(given.startTime, 'startTime'),
      actor,
      reason,
    );
    const { killed, spared, severed, notSevered, durationMs } = report;
    return { killed, spared, severed, notSevered, durationMs };
  }
}
