import { chmodSync, mkdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { type Caller, createLineHandler, freshKeyRing, Gate, steadyClock } from '@raypher/gate';
import { type GateServer, nodePrimitives, startGateServer } from '@raypher/gate/node';
import type { Logger } from 'pino';
import type { Approvals } from '../approvals/approval.ts';
import type { Config } from '../config/config.ts';
import type { Inventory } from '../discovery/inventory.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { PolicyEnforcer } from '../proxy/policy-enforcer.ts';
import type { Finding } from '../service/posture-board.ts';
import type { Part } from '../service/supervisor.ts';
import { askPerson } from './ask-person.ts';
import { decideAction } from './decide-action.ts';
import { DecisionLog } from './decision-log.ts';
import { type GateAccess, gateAccess, gidOf } from './gate-access.ts';
import { probeGate } from './gate-canary.ts';
import { noteGateMode } from './gate-mode.ts';
import { peerOf } from './peer.ts';
import { Requesters } from './requesters.ts';

export interface GatePartOptions {
  config: Pick<Config, 'dataDir' | 'gateSocket' | 'gateGroup'>;
  policy: PolicyEnforcer;
  inventory: Inventory;
  /** Undefined: nobody can be asked, and what needs asking is denied. */
  approvals: Approvals | undefined;
  record: (event: EventDraft) => void;
  log: Pick<Logger, 'info' | 'error'>;
  /** It listens. */
  started: () => void;
}

/**
 * The action gate as a part of the service. Keys, remembered answers and the record of used permits live and end
 * with each start: a permit of before counts for nothing.
 */
export class GatePart implements Part {
  readonly name = 'gate';
  readonly #options: GatePartOptions;
  readonly #access: GateAccess;
  readonly #requesters: Requesters;
  #gate: Gate | undefined;

  constructor(options: GatePartOptions) {
    this.#options = options;
    this.#access = gateAccess(options.config);
    this.#requesters = new Requesters(options.inventory);
    // An AI agent that is known better than before may have another answer coming.
    const forget = (): void => void this.#gate?.cache.invalidate();
    for (const event of ['appeared', 'changed', 'vanished'] as const) options.inventory.on(event, forget);
  }

  async start(): Promise<() => Promise<void>> {
    const { policy, approvals, record, log, started } = this.#options;
    const requesters = this.#requesters;
    const clock = steadyClock();
    const decisions = new DecisionLog(record);
    const gate = new Gate({
      primitives: nodePrimitives,
      clock,
      keys: freshKeyRing(nodePrimitives, clock()),
      decide: decideAction(policy, requesters, record, decisions),
      revision: () => policy.current()?.revision ?? 0,
      ask:
        approvals === undefined
          ? async () => ({ outcome: 'DENY', reason: 'A person has to agree, and nobody can be asked.' })
          : askPerson(policy, requesters, approvals),
      onPolicyFault: (error) => log.error({ error: String(error) }, 'the gate could not ask the policy'),
    });
    const servers = await this.#listen(gate);
    this.#gate = gate;
    this.#noteMode();
    log.info({ socket: this.#access.ordinary }, 'action gate listens');
    started();
    return async () => {
      this.#gate = undefined;
      gate.prompts?.close();
      for (const server of servers) await server.close();
      decisions.flush();
    };
  }

  /** Another policy is in force: what the old one answered is forgotten. */
  policyChanged(): void {
    this.#gate?.policyChanged();
    if (this.#gate !== undefined) this.#noteMode();
  }

  /** Asks it for something forbidden. */
  async posture(): Promise<Finding> {
    if (this.#gate === undefined) return { state: 'unavailable', reason: 'the gate is not running' };
    const fault = await probeGate(this.#access.ordinary);
    if (fault !== undefined) return { state: 'unavailable', reason: fault };
    return this.#options.policy.mode === 'enforce'
      ? { state: 'enforced', reason: 'a forbidden action was denied to a program that asked' }
      : {
          state: 'observing',
          reason: 'denying works, but the policy in force only records',
          byPolicy: true,
        };
  }

  async #listen(gate: Gate): Promise<GateServer[]> {
    const { ordinary, privileged, group } = this.#access;
    const { log } = this.#options;
    const handler = createLineHandler(gate, {
      onInternalError: (error) => log.error({ error: String(error) }, 'the gate could not answer'),
    });
    const prepare = (caller: Caller): Promise<void> => this.#requesters.prepare(caller);
    if (group !== undefined && mkdirSync(dirname(ordinary), { recursive: true }) !== undefined) {
      chmodSync(dirname(ordinary), 0o755);
    }
    const first = await startGateServer({
      path: ordinary,
      ...(group === undefined ? { mode: 0o600 } : { mode: 0o660, group: gidOf(group) }),
      handler,
      peerCredentials: group === undefined ? ownPeerOf : peerOf,
      prepare,
      mint: false,
    });
    try {
      const second = await startGateServer({
        path: privileged,
        mode: 0o600,
        handler,
        peerCredentials: ownPeerOf,
        prepare,
        mint: true,
      });
      return [first, second];
    } catch (error) {
      await first.close();
      throw error;
    }
  }

  #noteMode(): void {
    const { policy, log } = this.#options;
    try {
      noteGateMode(this.#access.ordinary, {
        mode: policy.mode,
        revision: policy.current()?.revision ?? 0,
      });
    } catch (error) {
      log.error({ error: String(error) }, 'adapters of the gate will be closed while the service is away');
    }
  }
}

/** The socket's mode says the same; this does not depend on it. */
function ownPeerOf(socket: Socket): ReturnType<typeof peerOf> {
  const peer = peerOf(socket);
  return peer?.uid === 0 || peer?.uid === process.getuid?.() ? peer : undefined;
}
