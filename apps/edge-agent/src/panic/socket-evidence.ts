import { readProcText } from '../discovery/procfs.ts';
import { InetDiag } from '../native/inet-diag.ts';
import { formatEnd } from '../native/tcp-socket.ts';
import { namespacesOf, socketsOf } from '../response/sever.ts';

export interface SocketEvidence {
  /** Processes of the tree that hold it. */
  pids: number[];
  inode: string;
  protocol: 'tcp' | 'udp';
  state: string;
  /** "127.0.0.1:8888" */
  local: string;
  remote: string;
}

/**
 * The TCP and UDP sockets of a tree with both their ends, in whatever network they are.
 *
 * @param gaps gets what could not be looked at
 */
export function readSockets(pids: readonly number[], gaps: string[]): SocketEvidence[] {
  const holders = socketsOf(pids, gaps);
  if (holders.size === 0) return [];
  const found: SocketEvidence[] = [];
  const take = (socket: Omit<SocketEvidence, 'pids'>): void => {
    const of = holders.get(socket.inode);
    if (of !== undefined) found.push({ pids: of, ...socket });
  };
  for (const namespace of namespacesOf(pids)) {
    try {
      using diag = namespace === undefined ? InetDiag.open() : InetDiag.openIn(namespace);
      for (const { inode, state, local, remote } of diag.list(true)) {
        take({ inode, protocol: 'tcp', state, local, remote });
      }
    } catch (error) {
      gaps.push(`TCP sockets: ${error instanceof Error ? error.message : String(error)}`);
    }
    // "/proc/PID/ns/net" → "/proc/PID"
    const process = namespace?.slice(0, -'/ns/net'.length) ?? '/proc/thread-self';
    for (const table of ['udp', 'udp6'] as const) {
      const read = readProcText(`${process}/net/${table}`);
      if (read.ok) for (const socket of readUdpTable(read.value)) take(socket);
    }
  }
  return found;
}

/** @param table text of /proc/net/udp or udp6 (proc_pid_net(5)) */
export function readUdpTable(table: string): Omit<SocketEvidence, 'pids'>[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
      if (local === undefined || remote === undefined || inode === undefined) return [];
      return {
        inode,
        protocol: 'udp' as const,
        state: state === '01' ? 'connected' : 'open',
        local: readEnd(local),
        remote: readEnd(remote),
      };
    });
}

/** Words of 32 bits in the machine's byte order, a colon, and the port: "0100007F:0035" */
function readEnd(text: string): string {
  const [address = '', port = ''] = text.split(':');
  return formatEnd(Buffer.from(address, 'hex').swap32(), Number.parseInt(port, 16));
}
