import { existsSync, rmSync, writeFileSync } from 'node:fs';
import type { CallerFinder } from '../callers/caller-finder.ts';
import type { Config } from '../config/config.ts';
import type { Inventory } from '../discovery/inventory.ts';
import { gateAccess } from '../gate/gate-access.ts';
import { kernelObjectFile } from '../kernel-object-file.ts';
import type { Cgroups } from '../response/cgroup.ts';
import { selfCommand } from '../self-command.ts';
import { agentPaths } from '../service/paths.ts';
import { FanotifyBackEnd } from './fanotify/fanotify-back-end.ts';
import type { GuardBackEnd } from './guard-back-end.ts';
import type { KernelTraces } from './guard-part.ts';
import { removeGuardPrograms } from './lsm/guard-programs.ts';
import { LsmBackEnd } from './lsm/lsm-back-end.ts';
import { lsmCanary } from './lsm/lsm-canary.ts';
import { CANARY_COMMAND } from './network/canary-program.ts';
import type { Mode } from './network/kernel-layout.ts';
import { NetworkBackEnd, type NetworkBackEndOptions } from './network/network-back-end.ts';
import { openRedirect, removeRedirects } from './network/open-redirect.ts';
import { redirectedCallersFrom } from './network/redirected-callers.ts';

/** One for the machine, whatever data folders agents have. */
export const GUARD_LOCK = '/run/raypher-guard/lock';

/** Where what is in force outlives the agent: a file system of type bpf. */
export const GUARD_PINS = '/sys/fs/bpf/raypher';

/** Tables of the packet filter that are ours begin with this. */
export const GUARD_TABLE = 'raypher';

/** Without a sign of life of the agent for so long, AI agents under an enforced policy get no connections. */
const LIFE_SIGN_MS = 60_000;

export interface OpenedGuard {
  /** In the order in which they are asked for a capability: the first that has it shows it. */
  backEnds: GuardBackEnd[];
  /** Why there is none; undefined when there are some. */
  unavailable: string | undefined;
}

export interface GuardParts {
  config: Pick<
    Config,
    'guardMode' | 'guardRedirect' | 'dataDir' | 'gateSocket' | 'gateGroup' | 'proxyDnsServers'
  >;
  /** Files that the configuration came from. */
  configFiles: readonly string[];
  cgroups: Cgroups | undefined;
  /** What connections are led to. */
  proxy: { readonly port: number; take: NetworkBackEndOptions['take'] };
  policy: NetworkBackEndOptions['policy'] & { readonly mode: Mode };
  inventory: Inventory;
  finder: CallerFinder;
  /** Something of our own failed while a connection or a question was dealt with. */
  failed: (error: unknown) => void;
}

/** The guards to try on this machine. Whether they hold anything, only their probes say. */
export function openGuard(parts: GuardParts): OpenedGuard {
  const { config, configFiles, cgroups, proxy } = parts;
  const none = (unavailable: string): OpenedGuard => ({ backEnds: [], unavailable });
  if (config.guardMode === 'off') return none('it is turned off in the configuration (guard.mode)');
  if (process.platform !== 'linux') return none(`it is not built for ${process.platform}`);
  if (process.getuid?.() !== 0) return none('the service does not run as root');
  if (cgroups === undefined) return none('control groups (cgroup v2) cannot be used here');
  const connections = config.guardRedirect === 'on' ? openNetwork(parts, cgroups) : undefined;
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
    proxyPorts: () => [proxy.port],
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

/**
 * What is known, over restarts, of whether an agent has put anything into the kernel: an agent with another data folder
 * takes out nothing of its.
 *
 * @param file there while it may have
 */
export function kernelTraces(file: string, takeOut = removeFromKernel): KernelTraces {
  return {
    note: () => writeFileSync(file, '', { mode: 0o600 }),
    remove: () => {
      if (!existsSync(file)) return;
      takeOut();
      rmSync(file);
    },
  };
}

/** What an agent that ended left in force, whoever it held. Only root can have left anything. */
export function removeFromKernel(): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  removeRedirects({ pins: GUARD_PINS, table: GUARD_TABLE });
  removeGuardPrograms(GUARD_PINS);
}

function openNetwork(
  { config, proxy, policy, inventory, finder, failed }: GuardParts,
  cgroups: Cgroups,
): NetworkBackEnd {
  const place = { pins: GUARD_PINS, table: GUARD_TABLE };
  return new NetworkBackEnd({
    cgroups,
    open: () =>
      openRedirect({ ...place, cgroups, finder, objectFile: () => kernelObjectFile('network.bpf.o') }),
    remove: () => removeRedirects(place),
    policy,
    mode: () => policy.mode,
    identify: redirectedCallersFrom(inventory, finder),
    take: (tunnel) => proxy.take(tunnel),
    dnsServers: config.proxyDnsServers,
    canaryCommand: [...selfCommand(), CANARY_COMMAND],
    failed,
  });
}
