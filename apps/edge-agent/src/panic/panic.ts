import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AiAgent, ForensicRecipient } from '@raypher/shared';
import { RaypherError } from '@raypher/shared';
import { sealSnapshot } from '@raypher/vault';
import type { Inventory } from '../discovery/inventory.ts';
import { isAlive } from '../discovery/stat.ts';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import { groupsOf, holdsAny } from '../response/agent-groups.ts';
import type { Cgroup, Cgroups } from '../response/cgroup.ts';
import { type EndReport, endTrees, killable } from '../response/kill.ts';
import type { Protection } from '../response/protected.ts';
import { severConnections } from '../response/sever.ts';
import type { ProcessRef } from '../response/tree.ts';
import { asRaypherError } from '../uplink/desired-state.ts';
import { forensicRecipient } from './forensic-recipient.ts';
import type { PanicFolder } from './panic-folder.ts';
import type { PanicIntent, SealedFile } from './panic-intent.ts';
import { encodeSnapshot, type SnapshotSources, takeSnapshot } from './snapshot.ts';

/** Keeps AI agents suspended, over restarts, until somebody thaws them. */
export interface PanicHold {
  /** Under the id that is given; a second time changes nothing. */
  freeze: (intent: PanicIntent) => Promise<void>;
  heldBy: (id: string) => ProcessRef[];
}

export interface PanicParts {
  folder: PanicFolder;
  /** Where {@link PanicParts.folder} is. */
  path: string;
  sources: SnapshotSources & { inventory: Pick<Inventory, 'current' | 'refresh'> };
  protection: Protection;
  cgroups: Cgroups | undefined;
  hold: PanicHold;
  organisationKey: () => ForensicRecipient | undefined;
  /** Resolves when the entry is on the disk. */
  record: (event: EventDraft) => Promise<unknown>;
  note: (event: EventDraft) => void;
}

export type PanicOrder = Pick<PanicIntent, 'target' | 'reason' | 'by' | 'origin' | 'hold' | 'memory'>;

export interface PanicReport extends Pick<EndReport, 'severed' | 'notSevered' | 'spared' | 'survivors'> {
  id: string;
  /** Whom it was for. */
  label: string;
  /** Ended, or held frozen. */
  processes: number;
  hold: boolean;
  snapshot: SealedFile | null;
  /** Why there is no snapshot. */
  snapshotFault: string | null;
  /** From the order until all stood still, and until all was done, milliseconds. */
  suspendedMs: number;
  durationMs: number;
}

/**
 * Stops AI agents and keeps what they were doing: freeze, snapshot, end their connections, kill them or keep them
 * frozen. Nothing of it waits for the disk or the network, except the intent, which is there first: an agent that was
 * killed in the middle finishes what it began.
 */
export class Panic {
  readonly #parts: PanicParts;
  readonly #bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(parts: PanicParts) {
    this.#parts = parts;
  }

  /**
   * @throws RaypherError `request/not-found` when no AI agent is meant, `request/invalid` for what cannot be held,
   * `process/gone`, `process/protected`, `process/permission`
   */
  trigger(order: PanicOrder): Promise<PanicReport> {
    const started = performance.now();
    const done = this.#queue.then(async () => {
      const { roots, label, target } = await this.#resolve(order);
      const intent: PanicIntent = {
        v: 1,
        id: randomUUID(),
        at: new Date().toISOString(),
        ...order,
        target,
        by: order.by.slice(0, 200),
        reason: order.reason.slice(0, 1000),
        label: label.slice(0, 300),
        bootId: this.#bootId,
        roots,
      };
      this.#save(intent);
      this.#parts.note(draft('panic.started', 'warning', intent, { processes: roots.length }));
      return this.#carryOut(intent, started);
    });
    this.#queue = done.catch(() => undefined);
    return done;
  }

  /** Finishes, or at least reports, what a service that was killed had begun. Never throws. */
  async resume(): Promise<void> {
    const { intents, unreadable } = this.#parts.folder.unfinished();
    for (const name of unreadable) this.#parts.note(tampered(name));
    for (const intent of intents) {
      try {
        if (intent.bootId === this.#bootId)
          await this.#carryOut(await this.#found(intent), performance.now());
        else await this.#interrupted(intent);
      } catch (error) {
        // One that fails must not keep the agent from starting; it is tried again at the next start.
        this.#parts.note(failed(intent, asRaypherError(error)));
      }
    }
  }

  async #resolve({ target, hold }: PanicOrder): Promise<Pick<PanicIntent, 'roots' | 'label' | 'target'>> {
    const { sources, protection } = this.#parts;
    const { agents } = await sources.inventory.refresh();
    switch (target.kind) {
      case 'all':
        if (agents.length === 0 && !hold && this.#groupsOf(target, []).length === 0)
          throw noAgent('No AI agent runs on this device.');
        return { target, label: 'every AI agent', roots: agents.flatMap(processesOf) };
      case 'agent': {
        const agent = choose(agents, target.agent);
        return { target: { kind: 'agent', agent: agent.id }, label: agent.name, roots: processesOf(agent) };
      }
      case 'process': {
        const root = killable(target.pid, { protection });
        const agent = agents.find((one) => processesOf(one).some(({ pid }) => pid === root.pid));
        if (!hold) {
          const label = `process ${root.pid} (${root.name})`;
          return { target, label, roots: [{ pid: root.pid, startTime: root.startTime }] };
        }
        if (agent === undefined) {
          throw new RaypherError('request/invalid', `Process ${root.pid} belongs to no AI agent.`, {
            hint: 'Only AI agents are kept frozen; without --hold it is ended after the snapshot.',
          });
        }
        return { target: { kind: 'agent', agent: agent.id }, label: agent.name, roots: processesOf(agent) };
      }
    }
  }

  /** What is left of the processes of a panic that was begun, and whatever its control group holds. */
  async #found(intent: PanicIntent): Promise<PanicIntent> {
    const alive = intent.roots.filter(isAlive);
    const group = this.#parts.cgroups?.open(groupName(intent));
    const known = new Set(alive.map(({ pid }) => pid));
    const { processes } = await this.#parts.sources.inventory.refresh();
    const inGroup = group?.occupants(processes) ?? new Set();
    const more = processes.filter(({ pid }) => inGroup.has(pid) && !known.has(pid));
    return { ...intent, roots: [...alive, ...more.map(({ pid, startTime }) => ({ pid, startTime }))] };
  }

  async #carryOut(intent: PanicIntent, started: number): Promise<PanicReport> {
    let fault: string | null = null;
    let current = intent;
    let suspendedMs = 0;
    const seize = async (members: readonly ProcessRef[]): Promise<void> => {
      suspendedMs = performance.now() - started;
      if (current.sealed !== undefined) return;
      try {
        current = { ...current, roots: members.map(({ pid, startTime }) => ({ pid, startTime })) };
        this.#save(current);
        current = { ...current, sealed: await this.#seal(current, members) };
        this.#save(current);
      } catch (error) {
        // Stopping what is out of hand comes before the record of it.
        fault = `It could not be kept: ${asRaypherError(error).message}`;
      }
    };
    const done = intent.hold ? await this.#holdFrozen(intent, seize) : await this.#end(intent, seize);
    const report: PanicReport = {
      id: intent.id,
      label: intent.label,
      hold: intent.hold,
      ...done,
      snapshot: current.sealed ?? null,
      snapshotFault: fault,
      suspendedMs,
      durationMs: performance.now() - started,
    };
    try {
      await this.#parts.record(finished(current, report));
    } catch {
      // Without room for the entry the ledger counts a gap; doing all of it again would not help.
    }
    this.#done(intent);
    return report;
  }

  async #end(intent: PanicIntent, suspended: (members: readonly ProcessRef[]) => Promise<void>) {
    const { protection, cgroups } = this.#parts;
    const report = await endTrees(intent.roots, {
      protection,
      cgroups,
      groups: this.#groupsOf(intent.target, intent.roots),
      groupName: groupName(intent),
      suspended,
    });
    const { severed, notSevered, spared, survivors, killed } = report;
    return { processes: killed.length, severed, notSevered, spared, survivors };
  }

  /** A process that is meant by its number can be one of several that an AI agent's group holds. */
  #groupsOf(target: PanicIntent['target'], roots: readonly ProcessRef[]): Cgroup[] {
    const { protection, cgroups } = this.#parts;
    switch (target.kind) {
      case 'all':
        return groupsOf(undefined, cgroups, protection);
      case 'agent':
        return groupsOf(target.agent, cgroups, protection).filter((group) => holdsAny(group, roots));
      case 'process':
        return [];
    }
  }

  async #holdFrozen(intent: PanicIntent, suspended: (members: readonly ProcessRef[]) => Promise<void>) {
    const { hold } = this.#parts;
    await hold.freeze(intent);
    const members = hold.heldBy(intent.id);
    await suspended(members);
    const { severed, notSevered } = severConnections(members.map(({ pid }) => pid));
    return { processes: members.length, severed, notSevered, spared: [], survivors: [] };
  }

  async #seal(intent: PanicIntent, members: readonly ProcessRef[]): Promise<SealedFile> {
    const { folder, path, sources, organisationKey } = this.#parts;
    const [{ snapshot, memory }, { keyId, publicKey, recipient }] = await Promise.all([
      takeSnapshot(intent, members, sources),
      forensicRecipient(organisationKey(), path),
    ]);
    const { organisation, device } = sources;
    const about = { panic: intent.id, organisation, device, at: intent.at, recipient };
    const content = encodeSnapshot(snapshot, memory);
    const sealed = await sealSnapshot({ keyId, publicKey }, about, content);
    content.fill(0);
    memory.fill(0);
    const { removed, ...kept } = folder.keep(intent.id, sealed);
    for (const id of removed) this.#parts.note(madeRoom(id));
    return { ...kept, keyId, recipient };
  }

  async #interrupted(intent: PanicIntent): Promise<void> {
    await this.#parts.record(
      draft('panic.interrupted', 'critical', intent, {
        why: 'the machine was restarted before it was finished; its processes ended with it',
        ...sealedFacts(intent.sealed),
      }),
    );
    this.#done(intent);
  }

  #done(intent: PanicIntent): void {
    try {
      this.#parts.folder.removeIntent(intent.id);
    } catch (error) {
      this.#parts.note(failed(intent, asRaypherError(error)));
    }
  }

  #save(intent: PanicIntent): void {
    try {
      this.#parts.folder.saveIntent(intent);
    } catch (error) {
      // A full disk does not end an emergency; only a kill of this service would now leave it unfinished.
      this.#parts.note(failed(intent, asRaypherError(error)));
    }
  }
}

function groupName({ id }: PanicIntent): string {
  return `panic-${id}`;
}

function processesOf(agent: AiAgent): ProcessRef[] {
  return agent.processes.map(({ pid, startTime }) => ({ pid, startTime: Number(startTime) }));
}

/** By the beginning of its id, or by its name. */
function choose(agents: readonly AiAgent[], wanted: string): AiAgent {
  const found = agents.filter(({ id, name }) => id.startsWith(wanted) || name === wanted);
  const [agent] = found;
  if (agent !== undefined && found.length === 1) return agent;
  const running = (found.length > 1 ? found : agents).slice(0, 20);
  const list = running.map(({ id, name }) => `${name} (${id.slice(0, 12)})`).join(', ');
  throw noAgent(
    found.length > 1
      ? `${found.length} AI agents are meant by ${wanted}.`
      : `No AI agent ${wanted} runs here.`,
    list === '' ? undefined : `These run: ${list}.`,
  );
}

function noAgent(message: string, hint?: string): RaypherError {
  return new RaypherError('request/not-found', message, hint === undefined ? {} : { hint });
}

function draft(
  type: EventDraft['type'],
  severity: EventDraft['severity'],
  { id, by, reason, origin, label, hold, memory }: PanicIntent,
  data: EventDraft['data'],
): EventDraft {
  const actor: EventDraft['actor'] =
    origin === 'device'
      ? { kind: 'user', id: by, name: by }
      : { kind: 'control-plane', id: '', name: 'control plane' };
  return {
    type,
    severity,
    actor,
    action: 'panic',
    target: label,
    data: { panic: id, by, reason, hold, memory, ...data },
  };
}

function finished(intent: PanicIntent, report: PanicReport): EventDraft {
  const { processes, severed, notSevered, spared, survivors, snapshotFault, suspendedMs, durationMs } =
    report;
  const isWhole = survivors.length === 0 && snapshotFault === null;
  return draft('panic.finished', isWhole ? 'warning' : 'critical', intent, {
    processes,
    severed,
    notSevered,
    spared: spared.map(({ pid, name, reason }) => `${pid} ${name}: ${reason}`),
    survivors: survivors.length,
    ...sealedFacts(intent.sealed),
    ...(snapshotFault === null ? {} : { snapshotFault }),
    suspendedMs: Math.round(suspendedMs),
    durationMs: Math.round(durationMs),
  });
}

function sealedFacts(sealed: SealedFile | undefined): EventDraft['data'] {
  if (sealed === undefined) return { snapshot: 'none' };
  const { sha256, bytes, keyId, recipient } = sealed;
  return { snapshot: sha256, snapshotBytes: bytes, sealedTo: keyId, recipient };
}

function failed(intent: PanicIntent, { code, message }: RaypherError): EventDraft {
  return draft('panic.interrupted', 'critical', intent, { code, why: message });
}

function madeRoom(id: string): EventDraft {
  return {
    type: 'panic.snapshot-removed',
    severity: 'notice',
    actor: EDGE_AGENT,
    action: 'make room',
    target: `snapshot of panic ${id}`,
    data: { panic: id },
  };
}

function tampered(name: string): EventDraft {
  return {
    type: 'tamper.suspected',
    severity: 'critical',
    actor: EDGE_AGENT,
    action: 'finish a panic',
    target: name,
    data: { reason: 'What a panic had begun cannot be read.' },
  };
}
