import { AiAgent, Inventory, MAX_FRAME_BYTES } from '@raypher/shared';

const SHORT_COMMAND_LINE = 100;
const SHORT_LIST = 8;

/**
 * Makes an inventory fit into one frame. A larger one would end the stream, again after each reconnect: whoever
 * starts thousands of processes could cut the device off from the control plane.
 *
 * Each AI agent has an equal share of the room. One that needs more is shown with shorter command lines and lists
 * and, then, with fewer of its processes.
 */
export function fitInventory(inventory: Inventory, limitBytes = MAX_FRAME_BYTES / 2): Inventory {
  if (Inventory.encode(inventory).finish().length <= limitBytes) return inventory;
  const share = Math.floor(limitBytes / Math.max(1, inventory.agents.length));
  let room = limitBytes - OVERHEAD;
  const agents: AiAgent[] = [];
  for (const agent of inventory.agents) {
    const fitting = shrink(agent, share - OVERHEAD);
    room -= sizeOf(fitting) + OVERHEAD;
    if (room < 0) break;
    agents.push(fitting);
  }
  return { ...inventory, agents };
}

/** Tag and length of a field, with some to spare. */
const OVERHEAD = 32;

function shrink(agent: AiAgent, bytes: number): AiAgent {
  if (sizeOf(agent) <= bytes) return agent;
  const short: AiAgent = {
    ...agent,
    libraries: agent.libraries.slice(0, SHORT_LIST),
    models: agent.models.slice(0, SHORT_LIST),
    evidence: agent.evidence.slice(0, SHORT_LIST),
    processes: agent.processes.map((process) => ({
      ...process,
      commandLine: process.commandLine.slice(0, SHORT_COMMAND_LINE),
    })),
  };
  while (short.processes.length > 1 && sizeOf(short) > bytes) {
    short.processes = short.processes.slice(0, Math.ceil(short.processes.length / 2));
  }
  return short;
}

function sizeOf(agent: AiAgent): number {
  return AiAgent.encode(agent).finish().length;
}
