import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** In which processes are counted (USER_HZ), milliseconds. */
const TICK_MS = 10;

/** CPU time a process has used, in clock ticks: user plus system (proc_pid_stat(5), fields 14 and 15). */
export function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Whether a process used no CPU over a span in which another one did: the span ends by the other's progress, not by a timer. */
export async function standsStillWhile(pid: number, other: number, otherTicks = 20): Promise<boolean> {
  const before = cpuTicks(pid);
  const goal = cpuTicks(other) + otherTicks;
  // Asked no more often than there can be news: whoever asks takes the other one's time.
  while (cpuTicks(other) < goal) await pause(TICK_MS);
  return cpuTicks(pid) === before;
}
