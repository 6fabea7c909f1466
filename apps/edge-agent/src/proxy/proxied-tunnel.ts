import type { Socket } from 'node:net';
import type { Caller } from './caller.ts';

/** A connection that a client asked for, before anything came through it. */
export interface Tunnel {
  /** Canonical host name or address, without brackets. */
  host: string;
  port: number;
  caller: Caller;
  /** The client's own TCP connection. */
  client: Socket;
  /**
   * The client asked for an address, which it looked up by itself: a name that it says later on counts, and leads to
   * where that name is, not to the address.
   */
  byAddress?: boolean;
}

/** Why nobody reads what a tunnel carries. */
export type UninspectedReason =
  /** Interception is off, or this machine has no certificate authority. */
  | 'interception-off'
  /** The host is on the pass-through list. */
  | 'pass-through'
  /** This program did not accept our certificate for this host before, and the policy only records. */
  | 'certificate-refused-before'
  /** The server speaks first, which no HTTP server does. */
  | 'server-first'
  | 'not-tls'
  /** TLS that offers only protocols which are not HTTP, and the policy only records. */
  | 'protocol'
  /** A hello that cannot be read. */
  | 'unreadable';
