import type { Inventory, ProcessRef } from './inventory.ts';
import { readStat } from './stat.ts';

/** Whether what is known is about the program that runs now: what was seen between fork and exec is another one. */
export function isAssessed(inventory: Inventory, { pid, startTime }: ProcessRef): boolean {
  const seen = inventory.current.processes.find(
    (process) => process.pid === pid && process.startTime === startTime,
  );
  return seen !== undefined && seen.image === readStat(pid)?.image;
}
