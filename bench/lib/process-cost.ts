import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** `getconf CLK_TCK` is 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process and its children have used so far (`proc(5)`, utime and stime; ended children too). */
export async function cpuSeconds(pid: number): Promise<number> {
  const pids = [pid, ...(await childrenOf(pid))];
  const all = await Promise.all(pids.map((each) => ticks(each, each === pid)));
  return all.reduce((sum, part) => sum + part, 0) / TICKS_PER_SECOND;
}

async function ticks(pid: number, withEnded: boolean): Promise<number> {
  try {
    // The name in parentheses may hold spaces; fields are counted behind it.
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    const used = Number(fields[11]) + Number(fields[12]);
    return withEnded ? used + Number(fields[13]) + Number(fields[14]) : used;
  } catch {
    // It ended meanwhile: its parent has its time.
    return 0;
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    if (Number(stat.split(') ')[1]?.split(' ')[1]) === pid) found.push(Number(name));
  }
  return found;
}

/** Bytes that open connections to a local port carried so far, payload of TCP in both directions (`ss -ti`). */
export async function bytesOnPort(port: number): Promise<number> {
  const { stdout } = await run('ss', ['-tinH', 'state', 'established', 'sport', '=', `:${port}`], {
    maxBuffer: 64 * 1024 * 1024,
  });
  const counts = stdout.matchAll(/bytes_(?:sent|received):(\d+)/g);
  return [...counts].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}
