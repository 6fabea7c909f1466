import type { GuardList, GuardRule } from '../guard-policy.ts';

/** Raw disks and memory show every file there is, whatever the rules about files say. */
const RAW = [
  '/dev/mem',
  '/dev/kmem',
  '/dev/port',
  '/dev/sd*',
  '/dev/nvme*',
  '/dev/vd*',
  '/dev/xvd*',
  '/dev/dm-*',
];
/** What is written here, the kernel obeys: which control group holds whom, what it executes as root and when. */
const ORDERS = [
  '/sys/fs/cgroup/**',
  '/sys/fs/bpf/**',
  '/sys/kernel/**',
  '/sys/module/**',
  '/proc/sys/**',
  '/proc/sysrq-trigger',
];

/**
 * What every command under Landlock is held to beside the policy: its place among the AI agents, the machine below
 * the rules, and this program's own files.
 *
 * @param ownPaths of the service: its data folder, its programs
 * @param readablePaths what of that may be read all the same
 */
export function machineRules(ownPaths: readonly string[], readablePaths: readonly string[]): GuardList {
  const rule = (id: string, operations: GuardRule['operations'], paths: readonly string[]): GuardRule => ({
    id,
    verdict: 'deny',
    operations,
    paths,
    programs: undefined,
    reason: 'It would take what holds AI agents away.',
  });
  return {
    layer: 'local',
    section: 'self',
    mode: 'enforce',
    rules: [
      rule('raw-devices', ['read', 'write'], [...RAW, '/dev/mapper/**', '/dev/loop*']),
      rule('kernel-settings', ['write', 'delete'], ORDERS),
      { ...rule('readable', ['read'], readablePaths), verdict: 'allow' },
      rule(
        'own-files',
        ['read', 'write', 'delete'],
        ownPaths.flatMap((path) => [path, `${path}/**`]),
      ),
    ],
    defaults: {},
  };
}
