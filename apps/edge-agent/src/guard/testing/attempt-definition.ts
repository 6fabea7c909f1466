import type { GuardCapability } from '../guard-back-end.ts';
import type { Stage } from './stage.ts';

/** One way to do what the policy forbids, or to get out of the guard's reach. */
export interface Attempt {
  /** Words with dashes; the name in tables. */
  readonly id: string;
  /** What it tries, as one reads it in the enforcement matrix. */
  readonly tries: string;
  /** What should stop it. */
  readonly stoppedBy: GuardCapability;
  /** It changes the process that tries it: it gets one of its own. */
  readonly alone?: boolean;
  /** Where it succeeds, the process that stands for the product has ended: it needs a stage of its own. */
  readonly endsAgent?: boolean;
  /** Only for a machine of its own: where it succeeds it breaks the machine. */
  readonly dangerous?: boolean;
  /**
   * Runs inside the AI agent's tree. Returns when it has done what is forbidden.
   *
   * @throws Error with a `code`: what the kernel said; `NotHere`: this machine cannot try it
   */
  readonly attempt: (stage: Stage) => void | Promise<void>;
  /** Looks from outside whether it happened, where the attempt cannot know itself. */
  readonly happened?: (stage: Stage) => boolean;
}

/** Why an attempt cannot be made on this machine; says nothing about the guard. */
export class NotHere extends Error {}

/** What the process inside the tree says about its attempt. */
export type Told =
  | { readonly id: string; readonly told: 'done' }
  | { readonly id: string; readonly told: 'refused'; readonly because: string }
  | { readonly id: string; readonly told: 'not here'; readonly because: string };
