import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { Inventory } from '../discovery/inventory.ts';
import { readProcText } from '../discovery/procfs.ts';
import { Adoption } from '../guard/adoption.ts';
import { removeFromKernel } from '../guard/open-guard.ts';
import { findCgroupMount, probeCgroups } from '../response/cgroup.ts';
import { Freezer } from '../response/freeze.ts';
import { Protection } from '../response/protected.ts';
import { AdoptedAgents } from '../store/adopted-agents.ts';
import { openDatabase } from '../store/database.ts';
import { FrozenTrees } from '../store/frozen-trees.ts';
import type { ReportStep } from './step.ts';

/**
 * Lets go of every process that the stopped service holds: without it nothing would ever thaw them. AI agents
 * that it adopted return to where they were. The programs it left in the kernel go, and the control groups it made, as
 * far as they are empty.
 *
 * @param store the agent's database
 */
export async function releaseFrozen(store: string, report: ReportStep): Promise<void> {
  let thawed = 0;
  let stillHeld = 0;
  if (existsSync(store)) {
    const { db } = openDatabase(store);
    try {
      const inventory = new Inventory({ device: 'this machine' });
      const cgroups = probeCgroups();
      const protection = new Protection({ isOwn: (pid) => inventory.isOwn(pid) });
      const freezer = new Freezer({
        inventory,
        // A disk that takes no changes does not keep a process frozen.
        store: new FrozenTrees(db, () => undefined),
        protection,
        cgroups: cgroups.available ? cgroups.cgroups : undefined,
      });
      ({ thawed, processes: stillHeld } = await freezer.apply([]));
      const adoption = new Adoption({
        cgroups: cgroups.available ? cgroups.cgroups : undefined,
        store: new AdoptedAgents(db, () => undefined),
        protection,
        freezer,
        record: () => undefined,
      });
      await adoption.resume();
      await adoption.releaseAll('uninstalled');
      await adoption.dissolveStrays();
    } finally {
      db.close();
    }
  }
  // Both leave what is not theirs.
  removeFromKernel();
  removeEmptyGroups();
  report(
    stillHeld === 0
      ? { step: 'release', state: thawed > 0 ? 'done' : 'unchanged', detail: `${thawed} processes thawed` }
      : { step: 'release', state: 'unavailable', detail: `${stillHeld} processes could not be thawed` },
  );
}

function removeEmptyGroups(): void {
  const mountinfo = readProcText('/proc/self/mountinfo');
  const mount = mountinfo.ok ? findCgroupMount(mountinfo.value) : undefined;
  if (mount === undefined) return;
  const folder = join(mount.path, 'raypher');
  if (!existsSync(folder)) return;
  const groups = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const path of [...groups.map(({ name }) => join(folder, name)), folder]) {
    try {
      rmdirSync(path);
    } catch {
      // Something still runs in it, started by `raypher run`; the kernel forgets it with the next boot.
    }
  }
}
