import { readStat } from '../discovery/stat.ts';
import { ProcessHandle, type SignalName } from '../native/libc.ts';
import type { ProcessRef } from './tree.ts';

/**
 * Signals exactly the process that is meant. The handle is opened first and the start time read afterwards: if it
 * fits, the handle is of that process and stays so, whatever happens to the pid.
 *
 * @returns false when the process is gone or the pid belongs to another one by now
 */
export function signalProcess(process: ProcessRef, name: SignalName): boolean {
  using handle = ProcessHandle.open(process.pid);
  if (handle === undefined || readStat(process.pid)?.startTime !== process.startTime) return false;
  return handle.signal(name);
}
