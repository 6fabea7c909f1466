import type { Socket } from 'node:net';
import type { CallerFinder } from '../../callers/caller-finder.ts';
import type { Inventory } from '../../discovery/inventory.ts';
import { Requesters } from '../../gate/requesters.ts';
import type { Caller } from '../../proxy/caller.ts';
import type { Original } from './kernel-layout.ts';

/** @param client undefined: of a datagram, which has no connection to look for */
export type IdentifyRedirected = (client: Socket | undefined, original: Original) => Promise<Caller>;

/**
 * Who opened a connection that the kernel led here: the process that it names, with the AI agent that it belongs to.
 * One that belongs to none that is known is still one, since nobody else's connections are led here.
 */
export function redirectedCallersFrom(inventory: Inventory, finder: CallerFinder): IdentifyRedirected {
  const requesters = new Requesters(inventory);
  return async (client, original) => {
    const { pid, startTime, address, port } = original;
    const asked = { uid: original.uid, pid, startTicks: String(startTime) };
    const found = pid === 0 ? undefined : { pid, startTime };
    if (found !== undefined) await requesters.prepare(asked);
    const agent = found === undefined ? null : requesters.of(asked).agent;
    return {
      process: found,
      socket: client === undefined ? undefined : socketOf(client, finder),
      agent: agent ?? null,
      redirectedFrom: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    };
  };
}

/** Undefined when it is gone; what asks who holds the socket then knows nobody. */
function socketOf(
  { localPort, remotePort, localAddress, remoteAddress }: Socket,
  finder: CallerFinder,
): string | undefined {
  if (localPort === undefined || remotePort === undefined) return undefined;
  if (localAddress === undefined || remoteAddress === undefined) return undefined;
  return finder.find({ localPort, remotePort, localAddress, remoteAddress })?.socket;
}
