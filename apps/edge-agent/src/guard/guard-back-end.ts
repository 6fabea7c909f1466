import type { Finding } from '../service/posture-board.ts';
import type { GuardDenial, GuardPolicy, Unexpressed } from './guard-policy.ts';

/** What a back end may hold AI agents to; each is proven by a canary of its own and shown as posture. */
export const GUARD_CAPABILITIES = [
  /** Opening, changing and removing files. */
  'kernel.files',
  /** Executing programs. */
  'kernel.programs',
  /** Connections and datagrams past the proxy. */
  'kernel.network',
  /** Connections led to the proxy without any configuration. */
  'kernel.redirect',
  /** Names looked up through a resolver that knows the rules. */
  'kernel.names',
  /** The agent, its files and its kernel programs against AI agents. */
  'kernel.self',
] as const;
export type GuardCapability = (typeof GUARD_CAPABILITIES)[number];

export interface GuardBackEndEvents {
  denied: (denial: GuardDenial) => void;
  /** Denials that the kernel could not hand over, since the last time. */
  lost: (count: number) => void;
}

/**
 * One way to hold AI agents to a policy: BPF LSM, control-group programs, fanotify. AI agents are known by the folder
 * of their control group below the product's own (`Cgroups`): "run-<id>", "adopted-<id>".
 */
export interface GuardBackEnd {
  readonly name: 'lsm' | 'cgroup' | 'nftables' | 'fanotify';
  /** Capabilities it can have on some kernel; `probe` says which it has on this one. */
  readonly capabilities: readonly GuardCapability[];
  /**
   * Loads its programs, or takes over those that an earlier agent left in force, without a gap.
   *
   * @throws RaypherError `platform/unsupported` with the reason: it is then not used
   */
  start(events: GuardBackEndEvents): Promise<void>;
  /** Replaces what holds for a group, atomically. @returns what it cannot express */
  apply(group: string, policy: GuardPolicy): Promise<readonly Unexpressed[]>;
  /** Forgets a group that has ended. */
  forget(group: string): void;
  /** Tries something forbidden from a group of its own and reads the denial back. */
  probe(capability: GuardCapability): Promise<Finding>;
  /** The agent ends, what is in force stays so where the kernel keeps it. */
  stop(): Promise<void>;
  /** Leaves nothing behind in the kernel. */
  remove(): Promise<void>;
}
