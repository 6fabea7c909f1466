import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, readProcLink, readProcText } from '../discovery/procfs.ts';
import { shownUnder } from '../discovery/stat.ts';
import type { Cgroups } from '../response/cgroup.ts';
import { boundLimits, type CgroupLimits, readCgroupLimits } from '../response/cgroup-limits.ts';

/** Of the processes of a control group. */
const MOST_LOOKED_AT = 1000;

/** What an AI agent's group has, and the control groups of its processes that are no container's. */
export interface AdoptionTerms {
  limits: CgroupLimits;
  homes: ReadonlySet<string>;
}

/**
 * Why a process is left in its control group; undefined when it may be moved.
 *
 * A container's group is in the hands of what started it: that counts, limits, pauses and ends it there. What an AI
 * agent shut into namespaces inside its own group (bubblewrap, unshare) is no container.
 *
 * @param cgroup path that /proc/PID/cgroup shows
 */
export function refusesAdoption(
  pid: number,
  cgroup: string,
  { limits, homes }: AdoptionTerms,
  cgroups: Cgroups,
): string | undefined {
  if (cgroup === '') return 'it is in no control group of the unified hierarchy';
  if (!cgroups.reaches(cgroup)) return `its control group ${cgroup} is outside of what can be reached here`;
  if (isForeign(pid) && !homes.has(cgroup)) {
    return `it runs in a container: its control group ${cgroup} is in the hands of what started that`;
  }
  const kind = kindOf(cgroups.locate(cgroup));
  if (kind !== 'domain') return `its control group ${cgroup} is of the kind "${kind}"`;
  const own = readCgroupLimits(cgroups.root, cgroups.locate(cgroup));
  const bound = boundLimits(own);
  if (bound.length > 0) return `it would escape limits of its control group ${cgroup}: ${bound.join(', ')}`;
  return isSame(own, limits)
    ? undefined
    : `its control group ${cgroup} has other limits than the first process of the AI agent`;
}

/** In another pid or control-group namespace than this agent, or nobody may know. */
export function isForeign(pid: number): boolean {
  const shown = shownUnder(pid);
  return ['pid', 'cgroup'].some((kind) => {
    const [its, own] = [readProcLink(`/proc/${shown}/ns/${kind}`), readProcLink(`/proc/self/ns/${kind}`)];
    return !its.ok || !own.ok || its.value !== own.value;
  });
}

/**
 * Whether somebody who is in no container is in a control group: then it is no container's, and whoever is foreign in it
 * has merely shut itself in, with or without those of its AI agent beside it.
 *
 * @param cgroup path that /proc/PID/cgroup shows
 */
export function isShared(cgroup: string, cgroups: Cgroups): boolean {
  if (!cgroups.reaches(cgroup)) return false;
  const read = readProcText(join(cgroups.locate(cgroup), 'cgroup.procs'));
  if (!read.ok) return false;
  const pids = read.value.split('\n').map(Number).slice(0, MOST_LOOKED_AT);
  return pids.some((pid) => pid > 0 && !isForeign(pid));
}

/** "domain", or for groups of threads "threaded" and others; the first group has no such file. */
function kindOf(path: string): string {
  try {
    return readFileSync(join(path, 'cgroup.type'), 'utf8').trim();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return 'domain';
  }
}

function isSame(a: CgroupLimits, b: CgroupLimits): boolean {
  const files = Object.keys(a);
  return files.length === Object.keys(b).length && files.every((file) => a[file] === b[file]);
}
