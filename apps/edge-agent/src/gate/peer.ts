import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { readProcText } from '../discovery/procfs.ts';
import { hasEnded, readStat } from '../discovery/stat.ts';
import { peerCredentials } from '../native/peer-credentials.ts';

/** The process at the other end of a Unix socket. */
export interface Peer {
  uid: number;
  pid: number;
  /** Clock ticks since boot: pids are used again. */
  startTicks: string;
}

/**
 * Who connected. A process that has ended is nobody: its number may be another's by now. Where the kernel hands out
 * a handle on the peer (Linux 6.5), that is exact; before, one that ends between connecting and this call, and whose
 * number is taken in the same moment, would be mistaken.
 *
 * @returns undefined when it cannot be told
 */
export function peerOf(socket: Socket): Peer | undefined {
  const found = peerCredentials(socket);
  if (found === undefined) return undefined;
  const { uid, pid, handle } = found;
  try {
    const stat = readStat(pid);
    if (stat === undefined || hasEnded(stat)) return undefined;
    // After the start time: if the handle still has this number, the time was that process's.
    if (handle !== undefined && pidOf(handle) !== pid) return undefined;
    return { uid, pid, startTicks: String(stat.startTime) };
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/** −1 once the process has ended (proc_pid_fdinfo(5)). */
function pidOf(handle: number): number | undefined {
  const info = readProcText(`/proc/self/fdinfo/${handle}`);
  const pid = info.ok ? /^Pid:\s+(-?\d+)$/m.exec(info.value)?.[1] : undefined;
  return pid === undefined ? undefined : Number(pid);
}
