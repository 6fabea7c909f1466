import type { Caller } from '../permit/subject.ts';

/** Who calls, and over which socket. Made from what the operating system says, never from the call. */
export interface CallContext {
  readonly caller: Caller;
  /** Whether this is the privileged socket: it may issue permits, fill the cache and speak for others. */
  readonly mint: boolean;
  /** Takes an answer that comes later, as a line without its end. Absent: nothing may wait. */
  readonly later?: ((line: Promise<string>) => void) | undefined;
  /** Aborted when the caller has gone. */
  readonly gone?: AbortSignal | undefined;
}
