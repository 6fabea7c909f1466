import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { type Cgroups, probeCgroups } from '../response/cgroup.ts';
import type { Finding } from './posture-board.ts';

const TIMEOUT_MS = 2000;
const PREFIX = 'canary-';
/** Older test groups belong to a service that was killed in the middle; younger ones may be in use. */
const LEFT_OVER_AFTER_MS = 60_000;

/** Suspends a real process of our own and reads from the kernel that it stands still. */
export async function probeFreeze(): Promise<Finding> {
  const probe = probeCgroups();
  if (!probe.available) return { state: 'unavailable', reason: probe.reason };
  clearLeftovers(probe.cgroups);
  const group = probe.cgroups.create(`${PREFIX}${randomUUID()}`);
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

/** Ends test processes that a killed service left suspended, and removes their groups. */
function clearLeftovers(cgroups: Cgroups): void {
  for (const name of cgroups.list().filter((candidate) => candidate.startsWith(PREFIX))) {
    const group = cgroups.open(name);
    if (group === undefined) continue;
    try {
      if (Date.now() - statSync(group.path).mtimeMs < LEFT_OVER_AFTER_MS) continue;
      group.setFrozen(false);
      group.kill();
      group.remove();
    } catch {
      // Somebody else removed it in the meantime.
    }
  }
}
