import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { probeCgroups } from '../response/cgroup.ts';
import type { Finding } from './posture-board.ts';

const TIMEOUT_MS = 2000;

/** Suspends a real process of our own and reads from the kernel that it stands still. */
export async function probeFreeze(): Promise<Finding> {
  const probe = probeCgroups();
  if (!probe.available) return { state: 'unavailable', reason: probe.reason };
  const group = probe.cgroups.create(`canary-${randomUUID()}`);
  const child = spawn('/bin/sleep', ['60'], { stdio: 'ignore', env: {} });
  const gone = once(child, 'exit');
  try {
    await once(child, 'spawn');
    if (child.pid === undefined || !group.add(child.pid)) {
      return { state: 'unavailable', reason: 'a test process could not be moved to a control group' };
    }
    group.setFrozen(true);
    return (await group.waitFrozen(TIMEOUT_MS))
      ? { state: 'enforced', reason: 'a test process was suspended and the kernel reported it frozen' }
      : { state: 'unavailable', reason: 'a test process did not stand still within 2 s' };
  } finally {
    group.setFrozen(false);
    child.kill('SIGKILL');
    await gone;
    await group.waitEmpty(TIMEOUT_MS);
    group.remove();
  }
}
