import type { Attempt } from './attempt-definition.ts';
import { FILE_ATTEMPTS } from './attempts/file-attempts.ts';
import { NETWORK_ATTEMPTS } from './attempts/network-attempts.ts';
import { PROGRAM_ATTEMPTS } from './attempts/program-attempts.ts';
import { SELF_ATTEMPTS } from './attempts/self-attempts.ts';

/**
 * Every way round the guard that we know, for all tiers: each makes them from inside an AI agent's tree that
 * `stagePolicy` holds for, and records what came of it. Those that no tier can stop stay in the table.
 */
export const ATTEMPTS: readonly Attempt[] = [
  ...FILE_ATTEMPTS,
  ...PROGRAM_ATTEMPTS,
  ...NETWORK_ATTEMPTS,
  ...SELF_ATTEMPTS,
];
