import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../discovery/procfs.ts';

/** What control groups hold a process to: file of the hierarchy to value, the tightest of all groups it is in. */
export type CgroupLimits = Readonly<Record<string, string>>;

/** Numbers, of which the smallest holds. Weights and protections are no limits: nothing is exceeded without them. */
const NUMBER =
  /^(?:memory\.(?:max|high|swap\.max|swap\.high|zswap\.max)|pids\.max|hugetlb\.[^.]+(?:\.rsvd)?\.max)$/;
/** Quota and period. */
const QUOTA = 'cpu.max';
/** What is set there is of one place in the hierarchy and cannot be written anywhere else. */
const BOUND = /^(?:cpuset\.cpus|cpuset\.mems|io\.max|misc\.max|rdma\.max)$/;

/**
 * Limits of a control group and of all above it.
 *
 * @param root where the hierarchy is mounted; the first group has no limits
 * @param path of the group in the file system
 */
export function readCgroupLimits(root: string, path: string): CgroupLimits {
  const limits: Record<string, string> = {};
  for (let current = path; current !== root && current.startsWith(root); current = dirname(current)) {
    for (const [file, value] of limitsOf(current)) {
      const above = limits[file];
      if (above === undefined || isTighter(file, value, above)) limits[file] = value;
    }
  }
  return limits;
}

/** Those that no other group can be given; an AI agent in such a group has to stay there. */
export function boundLimits(limits: CgroupLimits): string[] {
  return Object.keys(limits).filter((file) => BOUND.test(file));
}

/**
 * Gives a group limits, enabling their controllers for the groups beside it.
 *
 * @param path of the group in the file system
 * @throws the system's error when the kernel does not take one
 */
export function writeCgroupLimits(path: string, limits: CgroupLimits): void {
  const controllers = new Set(Object.keys(limits).map((file) => file.slice(0, file.indexOf('.'))));
  const control = join(dirname(path), 'cgroup.subtree_control');
  const enabled = controllers.size === 0 ? [] : readFileSync(control, 'utf8').trim().split(' ');
  for (const controller of controllers) {
    if (!enabled.includes(controller)) writeFileSync(control, `+${controller}`);
  }
  for (const [file, value] of Object.entries(limits)) writeFileSync(join(path, file), value);
}

function limitsOf(path: string): [file: string, value: string][] {
  try {
    return readdirSync(path).flatMap((file): [string, string][] => {
      if (!NUMBER.test(file) && file !== QUOTA && !BOUND.test(file)) return [];
      const value = readFileSync(join(path, file), 'utf8').trim();
      return value === '' || value.split(' ')[0] === 'max' ? [] : [[file, value]];
    });
  } catch (error) {
    // The group ended meanwhile.
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENODEV') return [];
    throw error;
  }
}

function isTighter(file: string, value: string, than: string): boolean {
  if (file === QUOTA) return shareOf(value) < shareOf(than);
  return NUMBER.test(file) && BigInt(value) < BigInt(than);
}

function shareOf(quota: string): number {
  const [used = '0', period = '100000'] = quota.split(' ');
  return Number(used) / Number(period);
}
