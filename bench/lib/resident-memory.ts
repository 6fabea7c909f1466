import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Inspector } from './inspector.ts';

const SETTLE_MS = 500;
const MOST_ROUNDS = 16;

/** Resident memory of a process in KiB, from the kernel (`proc(5)`, VmRSS). */
async function residentKb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kb === undefined) throw new Error(`The kernel does not say how much memory process ${pid} has.`);
  return Number(kb);
}

/** Resident memory in KiB once collecting garbage no longer changes it by more than one percent. */
export async function settledResidentKb(pid: number, inspector: Inspector): Promise<number> {
  let before = Number.POSITIVE_INFINITY;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    await inspector.collectGarbage();
    await delay(SETTLE_MS);
    const now = await residentKb(pid);
    if (Math.abs(before - now) <= now / 100) return now;
    before = now;
  }
  return before;
}
