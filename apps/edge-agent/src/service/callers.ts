import type { Socket } from 'node:net';
import type { CallerFinder } from '../callers/caller-finder.ts';
import type { Inventory } from '../discovery/inventory.ts';
import { isAssessed } from '../discovery/is-assessed.ts';
import { type Caller, type IdentifyCaller, UNKNOWN_CALLER } from '../proxy/caller.ts';

/**
 * Connects the proxy with the inventory: socket → process → AI agent.
 *
 * A process that no refresh has seen yet is looked for at once, so that an AI agent's first request is not
 * taken for somebody else's.
 */
export function callersFrom(inventory: Inventory, finder: CallerFinder): IdentifyCaller {
  return async ({ localPort, remotePort, localAddress, remoteAddress }: Socket): Promise<Caller> => {
    if (remotePort === undefined || localPort === undefined) return UNKNOWN_CALLER;
    if (localAddress === undefined || remoteAddress === undefined) return UNKNOWN_CALLER;
    const found = finder.find({ localPort, remotePort, localAddress, remoteAddress });
    if (found === undefined) return UNKNOWN_CALLER;
    const { socket, ...process } = found;
    if (inventory.isOwn(process.pid)) return { process, socket, agent: undefined };
    // A refresh that is under way may have looked before the process started; the next one has not.
    for (let looks = 0; !isAssessed(inventory, process); looks++) {
      if (looks === 2) break;
      await inventory.refresh();
    }
    if (inventory.assessmentOf(process) === undefined) return { process, socket, agent: null };
    const agent = inventory.agentOf(process);
    if (agent === undefined) return { process, socket, agent: undefined };
    const { id, name, user, libraries } = agent;
    return { process, socket, agent: { id, name, user, libraries } };
  };
}
