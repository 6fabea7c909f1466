import type { Socket } from 'node:net';
import type { RequestingAgent } from '@raypher/policy';

/** The process at the other end of a connection to the proxy. */
export interface Caller {
  /** Undefined when it could not be found. The start time (clock ticks since boot) guards against a reused pid. */
  process: { pid: number; startTime: number } | undefined;
  /** Inode of its socket, by which everybody who holds it can be found. */
  socket?: string | undefined;
  /** `undefined`: no AI agent. `null`: nobody knows whether it is one. */
  agent: RequestingAgent | null | undefined;
  /** Where it wanted to go when the kernel led it here, as address:port. */
  redirectedFrom?: string | undefined;
}

export const UNKNOWN_CALLER: Caller = { process: undefined, agent: null };

/** Finds out who is calling. Never throws: a caller that cannot be found is {@link UNKNOWN_CALLER}. */
export type IdentifyCaller = (socket: Socket) => Promise<Caller>;

/** Told which models a process uses, as the proxy sees them. */
export type ModelSeen = (process: { pid: number; startTime: number }, model: string) => void;

/** Whether a program may use the keys that are sealed on this machine. */
export type CallerStanding =
  | { allowed: true /** What was allowed, for the record: path and short hash. */; entry: string }
  | {
      allowed: false;
      code: 'caller/not-allowed' | 'caller/unknown';
      /** One sentence for the person who runs the program. */
      reason: string;
      /** What would allow it, a command to copy. */
      hint: string;
    };

/** Looks the process's program up in the allow list. Never throws: in doubt the program is not allowed. */
export type AuthoriseCaller = (caller: Caller) => Promise<CallerStanding>;

/** Asks once per connection. */
export function oncePerConnection(identify: IdentifyCaller): IdentifyCaller {
  const known = new WeakMap<Socket, Promise<Caller>>();
  return (socket) => {
    const found = known.get(socket) ?? identify(socket).catch(() => UNKNOWN_CALLER);
    known.set(socket, found);
    return found;
  };
}
