import type { Confinement } from './confinement.ts';

/** Where the step reads `Launch`. Not the environment or the arguments: other processes can see those. */
export const LAUNCH_FD = 3;

/** What is to be started, where, and held to what. */
export interface Launch {
  /** Folder of the control group to enter. */
  readonly group: string | null;
  readonly confinement: Confinement;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}
