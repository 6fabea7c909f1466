import type { Socket } from 'node:net';
import { CallerFinder } from '../discovery/caller.ts';
import type { Inventory } from '../discovery/inventory.ts';
import { type Caller, type IdentifyCaller, UNKNOWN_CALLER } from '../proxy/caller.ts';

/**
 * Connects the proxy with the inventory: socket → process → AI agent.
 *
 * A process that no refresh has seen yet is looked for at once, so that an AI agent's first request is not
 * taken for somebody else's.
 */
export function callersFrom(inventory: Inventory): IdentifyCaller {
  const finder = new CallerFinder(() =>
    inventory.current.agents.flatMap((agent) => agent.processes.map(({ pid }) => pid)),
  );
  return async ({ localPort, remotePort, localAddress, remoteAddress }: Socket): Promise<Caller> => {
    if (remotePort === undefined || localPort === undefined) return UNKNOWN_CALLER;
    const process = finder.find({ localPort, remotePort, localAddress, remoteAddress });
    if (process === undefined) return UNKNOWN_CALLER;
    if (inventory.isOwn(process.pid)) return { process, agent: undefined };
    // A refresh that is under way may have looked before the process started; the next one has not.
    for (let looks = 0; inventory.assessmentOf(process) === undefined; looks++) {
      if (looks === 2) return { process, agent: null };
      await inventory.refresh();
    }
    const agent = inventory.agentOf(process);
    if (agent === undefined) return { process, agent: undefined };
    const { id, name, user, libraries } = agent;
    return { process, agent: { id, name, user, libraries } };
  };
}
