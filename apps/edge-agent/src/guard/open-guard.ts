import type { Config } from '../config/config.ts';
import { gateAccess } from '../gate/gate-access.ts';
import { kernelObjectFile } from '../kernel-object-file.ts';
import type { Cgroups } from '../response/cgroup.ts';
import { selfCommand } from '../self-command.ts';
import { agentPaths } from '../service/paths.ts';
import { FanotifyBackEnd } from './fanotify/fanotify-back-end.ts';
import type { GuardBackEnd } from './guard-back-end.ts';
import { LsmBackEnd } from './lsm/lsm-back-end.ts';
import { lsmCanary } from './lsm/lsm-canary.ts';
import type { NetworkBackEnd } from './network/network-back-end.ts';

/** One for the machine, whatever data folders agents have. */
export const GUARD_LOCK = '/run/raypher-guard/lock';

/** Where what is in force outlives the agent: a file system of type bpf. */
export const GUARD_PINS = '/sys/fs/bpf/raypher';

/** Without a sign of life of the agent for so long, AI agents under an enforced policy get no connections. */
const LIFE_SIGN_MS = 60_000;

export interface OpenedGuard {
  /** In the order in which they are asked for a capability: the first that has it shows it. */
  backEnds: GuardBackEnd[];
  /** Why there is none; undefined when there are some. */
  unavailable: string | undefined;
}

export interface GuardParts {
  config: Pick<Config, 'guardMode' | 'guardRedirect' | 'dataDir' | 'gateSocket' | 'gateGroup'>;
  /** Files that the configuration came from. */
  configFiles: readonly string[];
  cgroups: Cgroups | undefined;
  /** Makes the guard of connections. */
  network: (cgroups: Cgroups) => NetworkBackEnd;
  proxyPort: () => number;
}

/** The guards to try on this machine. Whether they hold anything, only their probes say. */
export function openGuard({ config, configFiles, cgroups, network, proxyPort }: GuardParts): OpenedGuard {
  const none = (unavailable: string): OpenedGuard => ({ backEnds: [], unavailable });
  if (config.guardMode === 'off') return none('it is turned off in the configuration (guard.mode)');
  if (process.platform !== 'linux') return none(`it is not built for ${process.platform}`);
  if (process.getuid?.() !== 0) return none('the service does not run as root');
  if (cgroups === undefined) return none('control groups (cgroup v2) cannot be used here');
  const connections = config.guardRedirect === 'on' ? network(cgroups) : undefined;
  const lsm = new LsmBackEnd({
    objectFile: () => kernelObjectFile('guard.bpf.o'),
    cgroupFolder: cgroups.folder,
    pinRoot: GUARD_PINS,
    own: {
      hidden: [config.dataDir],
      readable: [agentPaths(config.dataDir).trustBundle],
      reachable: [gateAccess(config).ordinary],
      kept: [...selfCommand(), ...configFiles],
    },
    proxyPorts: () => [proxyPort()],
    isRedirected: () => connections?.isRunning === true,
    lifeSignMs: LIFE_SIGN_MS,
    canary: lsmCanary({ cgroupFolder: cgroups.folder }),
  });
  const backEnds: GuardBackEnd[] = [lsm, new FanotifyBackEnd(cgroups)];
  return {
    backEnds: connections === undefined ? backEnds : [connections, ...backEnds],
    unavailable: undefined,
  };
}
