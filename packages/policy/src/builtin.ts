import type { SpecialPlace } from './address-class.ts';
import type { PolicySnapshot } from './compile.ts';
import type { Opinion } from './verdict.ts';

/** There is no policy at all: everything is denied, in enforce mode. */
export function noPolicy(): Opinion {
  return builtin('DENY', 'enforce', 'builtin/no-policy', 'No policy is in force on this device.');
}

/** There is a policy, and no document of it has a section for this kind of action. */
export function notGoverned(snapshot: PolicySnapshot): Opinion {
  const reason = 'No layer of the policy governs this kind of action.';
  return builtin('ALLOW', snapshot.strictestMode, 'builtin/not-governed', reason);
}

/** Nothing can be matched against a host that is not one, and nothing legitimate connects to it. */
export function invalidHost(snapshot: PolicySnapshot): Opinion {
  const reason = 'The destination is not a valid host name or IP address.';
  return builtin('DENY', snapshot.strictestMode, 'builtin/invalid-host', reason);
}

/** Rules name absolute paths; what is not one could be any file. */
export function invalidPath(snapshot: PolicySnapshot): Opinion {
  const reason = 'The path is not absolute.';
  return builtin('DENY', snapshot.strictestMode, 'builtin/invalid-path', reason);
}

/** The machine itself, its network, or what is not an address of anybody. */
export function privateAddress(snapshot: PolicySnapshot, place: string, special: SpecialPlace): Opinion {
  const reason = `${place} is ${special.class} (${special.within}), not on the public internet. ${lift(snapshot, place)}`;
  return builtin('DENY', snapshot.strictestMode, 'builtin/private-address', reason);
}

/** Whoever reaches it can be this machine, to its cloud. */
export function metadataAddress(snapshot: PolicySnapshot, place: string, special: SpecialPlace): Opinion {
  const reason = `${place} (${special.within}) hands out credentials of cloud machines. ${lift(snapshot, place)}`;
  return builtin('DENY', snapshot.strictestMode, 'builtin/metadata-address', reason);
}

function lift({ layers }: PolicySnapshot, place: string): string {
  return `An allow rule of the ${layers[0]?.layer ?? 'global'} layer that names it lifts this: destinations: ['${place}'].`;
}

/** Asked by something newer than this engine, or by mistake. */
export function unknownAction(snapshot: PolicySnapshot): Opinion {
  const reason = 'This kind of action is not known.';
  return builtin('DENY', snapshot.strictestMode, 'builtin/unknown-action', reason);
}

function builtin(outcome: Opinion['outcome'], mode: Opinion['mode'], rule: string, reason: string): Opinion {
  return { outcome, mode, layer: 'builtin', rule, reason };
}
