import { type DiagnosedSocket, InetDiag, type SocketEnds } from '../native/inet-diag.ts';
import { isLoopback } from './connection.ts';
import { NetworkNamespaces } from './network-namespaces.ts';
import { findInTables } from './proc-net-tcp.ts';

/** How sockets are found on this machine. */
export interface LookupPath {
  path: 'netlink' | 'tables';
  /** Why not through netlink. */
  reason?: string;
}

const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

/** What is known of the socket at the other end of a connection. */
export type FoundSocket = Pick<DiagnosedSocket, 'inode' | 'uid'> & { cgroupId?: bigint | undefined };

/**
 * Finds the socket at the other end of a connection on this machine: asks the kernel for exactly this one, or
 * reads its tables where it may not be asked.
 */
export class SocketLookup {
  readonly #namespaces = new NetworkNamespaces();
  #diag: InetDiag | undefined;
  #refusal: string | undefined;
  /** An answer has been seen: then "there is none" is an answer too, and not a kernel without this part. */
  #isProven = false;

  constructor(useNetlink = true) {
    if (!useNetlink) this.#refusal = 'switched off';
  }

  get path(): LookupPath {
    if (this.#refusal !== undefined) return { path: 'tables', reason: this.#refusal };
    return { path: 'netlink' };
  }

  find(ends: SocketEnds): FoundSocket | undefined {
    const here = this.#ask(ends) ?? (this.#isProven ? undefined : this.#tables(ends));
    // Both ends of a loopback connection are in one network. Another namespace can show the same addresses, made
    // up by whoever owns it; so it is never asked about them.
    if (here !== undefined || isLoopback(ends.own.address)) return here;
    return this.#refusal === undefined ? this.#namespaces.find(ends) : undefined;
  }

  /** The socket that a datagram was sent from; undefined where the kernel does not say. @param address 4 or 16 bytes */
  findSender(address: Buffer, port: number): FoundSocket | undefined {
    try {
      this.#diag ??= InetDiag.open();
      const sockets = this.#diag.datagramSockets(port);
      // One that is not bound to an address sends from any.
      return (
        sockets.find((socket) => isSame(socket.address, address)) ??
        sockets.find((socket) => socket.address.every((byte) => byte === 0))
      );
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.#diag?.close();
    this.#diag = undefined;
    this.#namespaces.close();
  }

  #ask(ends: SocketEnds): FoundSocket | undefined {
    if (this.#refusal !== undefined) return undefined;
    try {
      this.#diag ??= InetDiag.open();
      const found = this.#diag.find(ends);
      if (found !== undefined) this.#isProven = true;
      return found;
    } catch (error) {
      // Refused once, it is refused for good; the tables serve, and the posture says so.
      this.#refusal = error instanceof Error ? error.message : String(error);
      this.#isProven = false;
      return undefined;
    }
  }

  #tables(ends: SocketEnds): FoundSocket | undefined {
    const found = findInTables(ends);
    if (found !== undefined && this.#refusal === undefined) {
      this.#refusal = 'netlink does not know connections that there are';
    }
    return found;
  }
}

/** A socket of IPv6 shows an address of IPv4 within one of its own. */
function isSame(shown: Buffer, address: Buffer): boolean {
  return shown.length === address.length
    ? shown.equals(address)
    : shown.length === 16 && shown.subarray(0, 12).equals(MAPPED) && shown.subarray(12).equals(address);
}
