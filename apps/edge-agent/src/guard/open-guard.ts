import type { Config } from '../config/config.ts';
import type { Cgroups } from '../response/cgroup.ts';
import type { GuardBackEnd } from './guard-back-end.ts';

/** One for the machine, whatever data folders agents have. */
export const GUARD_LOCK = '/run/raypher-guard/lock';

/** Where what is in force outlives the agent: a file system of type bpf. */
export const GUARD_PINS = '/sys/fs/bpf/raypher';

export interface OpenedGuard {
  /** Strongest first. */
  backEnds: GuardBackEnd[];
  /** Why there is none; undefined when there are some. */
  unavailable: string | undefined;
}

/**
 * The guards to try on this machine. Whether they hold anything, only their probes say.
 *
 * @param network makes the one for connections
 */
export function openGuard(
  config: Pick<Config, 'guardMode' | 'guardRedirect'>,
  cgroups: Cgroups | undefined,
  network: (cgroups: Cgroups) => GuardBackEnd,
): OpenedGuard {
  const none = (unavailable: string): OpenedGuard => ({ backEnds: [], unavailable });
  if (config.guardMode === 'off') return none('it is turned off in the configuration (guard.mode)');
  if (process.platform !== 'linux') return none(`it is not built for ${process.platform}`);
  if (process.getuid?.() !== 0) return none('the service does not run as root');
  if (cgroups === undefined) return none('control groups (cgroup v2) cannot be used here');
  if (config.guardRedirect === 'on') return { backEnds: [network(cgroups)], unavailable: undefined };
  return none('kernel enforcement is not part of this version');
}
