import type { Finding } from '../../service/posture-board.ts';
import { CanaryFiles } from '../canary-files.ts';
import { confine } from './confine.ts';
import { startConfined } from './start-confined.ts';

/** Starts a real command as `raypher run` does and reads from it what it was refused. */
export async function probeLandlock(): Promise<Finding> {
  using canary = new CanaryFiles();
  const confinement = confine(
    { policy: canary.policy, filesAreHeld: false, ownPaths: [], readablePaths: [] },
    process.env.PATH,
  );
  if (confinement === undefined) return { state: 'unavailable', reason: 'there is nothing to be held to' };
  const env = { PATH: process.env.PATH };
  const result = await canary.attempt((command, args) =>
    startConfined({ group: null, confinement, command, args, env }, 'pipe'),
  );
  if (result.fileRefused && result.programRefused && result.restAllowed) {
    return {
      state: 'enforced',
      reason:
        'what `raypher run` starts was refused a file and a program (Landlock); other AI agents are not held by it',
    };
  }
  return { state: 'unavailable', reason: `Landlock: ${canary.describe(result)}` };
}
