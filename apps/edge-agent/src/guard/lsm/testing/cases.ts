/** What the suite inside the guest shows, in this order; the host has a test for each. */
export const GUARD_CASES = [
  'the programs load and attach, with every hook that this kernel has',
  'unmonitored processes are refused nothing, and nothing is recorded of them',
  'canaries find that files, programs, connections and the product itself are guarded',
  'K4: rm production.db fails and the file is intact',
  'K5: a forbidden shell on a socket is refused and recorded with its arguments and its tree',
  'K6: a connection to a host that is not permitted is refused, no byte arrives, it is recorded',
  'the proxy can be reached',
  'a permitted network can be reached at its ports only',
  'without a sign of life from the agent nothing but the proxy can be reached',
  'in monitor mode the action goes on and is recorded',
  'the first rule that matches decides, and the strictest of the lists',
  'beginnings and ends of names are known',
  'a file that comes into being later at a named place is held',
  'a process that is moved to another group keeps its rules',
  'a new policy holds for processes that run already, with no gap while it is replaced',
  'what could not be handed over is counted',
  'an agent killed -9 leaves its rules in force',
  'an agent that starts again takes over without a gap',
  'other versions of the programs take over without a gap',
  'removal leaves no program, no map and no pin',
] as const;
export type GuardCase = (typeof GUARD_CASES)[number];

/** A line that the guest prints. */
export type GuestRecord =
  | {
      readonly kind: 'case';
      readonly name: string;
      readonly passed: boolean;
      readonly detail: string;
      readonly ms: number;
    }
  | { readonly kind: 'attempt'; readonly outcome: unknown }
  | { readonly kind: 'kernel'; readonly release: string; readonly missingHooks: readonly string[] };
