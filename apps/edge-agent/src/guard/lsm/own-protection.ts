import type { GuardList } from '../guard-policy.ts';

/** What of the product AI agents are kept from. */
export interface OwnPlaces {
  /** Nothing may be done with it, not even read: data, pins. */
  readonly hidden: readonly string[];
  /** May be read and executed, not changed: programs, configuration, control groups. */
  readonly kept: readonly string[];
  /** Of what is hidden, what may be read all the same: whom to trust. */
  readonly readable?: readonly string[];
  /** Of what is hidden, sockets for everybody: those of the action gate. */
  readonly reachable?: readonly string[];
  /** Sockets of services that start programs for whoever asks, outside every group. Default: those of usual systems. */
  readonly starters?: readonly string[];
}

/** Services of a system that run what they are asked to run, outside the tree of whoever asks. */
const STARTERS = [
  '/run/systemd/private',
  '/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/run/podman/podman.sock',
  '/run/crio/crio.sock',
] as const;

/** The product's own protection as a list of rules: the first of every policy, always enforced. */
export function ownList({
  hidden,
  kept,
  readable = [],
  reachable = [],
  starters = STARTERS,
}: OwnPlaces): GuardList {
  const deny = { verdict: 'deny', programs: undefined, reason: 'it belongs to the product' } as const;
  const below = (paths: readonly string[]): string[] => paths.flatMap((path) => [path, `${path}/**`]);
  return {
    layer: 'local',
    section: 'self',
    mode: 'enforce',
    defaults: {},
    rules: [
      { ...deny, verdict: 'allow', id: 'readable', operations: ['read'], paths: readable },
      { ...deny, verdict: 'allow', id: 'reachable', operations: ['write'], paths: reachable },
      { ...deny, id: 'hidden', operations: ['read', 'write', 'delete', 'execute'], paths: below(hidden) },
      { ...deny, id: 'kept', operations: ['write', 'delete'], paths: below(kept) },
      { ...deny, id: 'starters', operations: ['write', 'delete'], paths: starters },
      { ...deny, id: 'memory', operations: ['read', 'write'], paths: ['/proc/kcore'] },
    ],
  };
}
