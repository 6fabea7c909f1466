import type { Caller } from '@raypher/gate';
import type { RequestingAgent } from '@raypher/policy';
import type { Inventory } from '../discovery/inventory.ts';
import { isAssessed } from '../discovery/is-assessed.ts';
import { readStat } from '../discovery/stat.ts';
import type { Caller as Requester } from '../proxy/caller.ts';

/** How far up a tree an AI agent is looked for. */
const MOST_ANCESTORS = 64;

/**
 * The AI agents behind those who ask the gate. A helper that an AI agent starts for one question (a hook, a proxy)
 * acts for the AI agent: its nearest ancestor in the inventory.
 */
export class Requesters {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  /** Looks until it is known what the caller is, so that an AI agent's first question is not taken for somebody's. */
  async prepare(caller: Caller): Promise<void> {
    const process = processOf(caller);
    if (process === undefined || this.#inventory.isOwn(process.pid)) return;
    // A refresh that is under way may have looked before the process started; the next one has not.
    for (let looks = 0; looks < 2; looks += 1) {
      if (this.#agentAbove(process) !== undefined || isAssessed(this.#inventory, process)) return;
      await this.#inventory.refresh();
    }
  }

  /** `agent` is `null` where it cannot be told whether there is one. */
  of(caller: Caller): Requester {
    const process = processOf(caller);
    if (process === undefined) return { process, agent: null };
    if (this.#inventory.isOwn(process.pid)) return { process, agent: undefined };
    const found = this.#agentAbove(process);
    if (found !== undefined) return found;
    return { process, agent: this.#inventory.assessmentOf(process) === undefined ? null : undefined };
  }

  /** The caller's own AI agent, or that of the nearest ancestor that has one. */
  #agentAbove(process: NonNullable<Requester['process']>): Requester | undefined {
    let at: NonNullable<Requester['process']> | undefined = process;
    for (let steps = 0; at !== undefined && steps < MOST_ANCESTORS; steps += 1) {
      const agent = this.#inventory.agentOf(at);
      if (agent !== undefined) {
        const { id, name, user, libraries } = agent;
        return { process: at, agent: { id, name, user, libraries } satisfies RequestingAgent };
      }
      at = parentOf(at);
    }
    return undefined;
  }
}

/** Undefined for a subject that is a user and no process. */
function processOf({ pid, startTicks }: Caller): Requester['process'] {
  return pid === undefined || startTicks === undefined ? undefined : { pid, startTime: Number(startTicks) };
}

function parentOf({ pid, startTime }: NonNullable<Requester['process']>): Requester['process'] {
  const stat = readStat(pid);
  if (stat === undefined || stat.startTime !== startTime || stat.ppid <= 1) return undefined;
  const parent = readStat(stat.ppid);
  // A parent is older than its child; what has its number and is younger is somebody else.
  if (parent === undefined || parent.startTime > startTime) return undefined;
  return { pid: parent.pid, startTime: parent.startTime };
}
