import { statSync } from 'node:fs';
import { listPids } from '../discovery/procfs.ts';
import { type DiagnosedSocket, InetDiag, type SocketEnds } from '../native/inet-diag.ts';

const MAX_NAMESPACES = 64;
const LOOK_AGAIN_MS = 1000;

/**
 * The other network namespaces of this machine, each with a netlink socket of its own that was opened inside.
 *
 * Whoever may create a namespace can give it any address. So an answer counts only when exactly one namespace
 * has such a connection.
 */
export class NetworkNamespaces {
  /** By inode of the namespace. */
  readonly #known = new Map<bigint, InetDiag>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  find(ends: SocketEnds): DiagnosedSocket | undefined {
    this.#lookAround();
    const found = [...this.#known.entries()].flatMap(([inode, diag]) => {
      try {
        return diag.find(ends) ?? [];
      } catch {
        diag.close();
        this.#known.delete(inode);
        return [];
      }
    });
    return found.length === 1 ? found[0] : undefined;
  }

  close(): void {
    for (const diag of this.#known.values()) diag.close();
    this.#known.clear();
  }

  #lookAround(): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_AGAIN_MS) return;
    this.#lookedAt = now;
    const own = inodeOf('/proc/thread-self/ns/net');
    const present = new Map<bigint, string>();
    for (const pid of listPids()) {
      const path = `/proc/${pid}/ns/net`;
      const inode = inodeOf(path);
      if (inode === undefined || inode === own || present.has(inode)) continue;
      if (present.size === MAX_NAMESPACES) break;
      present.set(inode, path);
    }
    for (const [inode, diag] of this.#known) {
      if (present.has(inode)) continue;
      // An open socket would keep the namespace of an ended container alive.
      diag.close();
      this.#known.delete(inode);
    }
    for (const [inode, path] of present) {
      if (this.#known.has(inode)) continue;
      const diag = enter(path);
      if (diag !== undefined) this.#known.set(inode, diag);
    }
  }
}

function inodeOf(path: string): bigint | undefined {
  try {
    return statSync(path, { bigint: true }).ino;
  } catch {
    // Ended, or another user's.
    return undefined;
  }
}

function enter(path: string): InetDiag | undefined {
  try {
    return InetDiag.openIn(path);
  } catch {
    // Ended meanwhile, or not to be entered: its callers stay unknown, which is the strict answer.
    return undefined;
  }
}
