import { readFile } from 'node:fs/promises';

/** Ticks per second of the times in /proc; the same on every Linux that Node runs on. */
const TICKS = 100;

/** CPU seconds that a process has used, and the children it has waited for (`proc(5)`, stat). */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program stands in brackets, and may have spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15).map(Number);
  return (user + system + childUser + childSystem) / TICKS;
}

/** Of a process and those that it has started and that still run: Postgres has one for each connection. */
export async function cpuSecondsOfFamily(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const pids = [
    pid,
    ...children
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  ];
  const times = await Promise.all(pids.map((one) => cpuSeconds(one).catch(() => 0)));
  return times.reduce((sum, time) => sum + time, 0);
}
