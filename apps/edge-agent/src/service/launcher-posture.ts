import type { Config } from '../config/config.ts';
import { probeLandlock } from '../guard/landlock/landlock-canary.ts';
import type { Finding } from './posture-board.ts';

/** Whether what `raypher run` starts is held to the rules about files and programs. */
export async function launcherPosture({ guardMode }: Pick<Config, 'guardMode'>): Promise<Finding> {
  if (guardMode === 'off') {
    return { state: 'unavailable', reason: 'it is turned off in the configuration (guard.mode)' };
  }
  if (process.platform !== 'linux') {
    return { state: 'unavailable', reason: `it is not built for ${process.platform}` };
  }
  return probeLandlock();
}
