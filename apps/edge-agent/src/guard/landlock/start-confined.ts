import { type ChildProcess, spawn } from 'node:child_process';
import { Writable } from 'node:stream';
import { selfCommand } from '../../self-command.ts';
import type { Confinement } from './confinement.ts';
import { LAUNCH_FD, type Launch } from './launch.ts';

/**
 * Starts a command that is held to something from its first instruction on. The process is this program first, enters
 * the control group, restricts itself, and then becomes the command: same number, terminal and parent.
 *
 * @param output `pipe`: its standard streams are the caller's
 */
export function startConfined(
  { confinement, ...launch }: Omit<Launch, 'confinement'> & { confinement: () => Confinement },
  output: 'inherit' | 'pipe',
): ChildProcess {
  const [program, ...first] = selfCommand();
  const child = spawn(program, [...first, 'launch-step'], {
    stdio:
      output === 'inherit' ? ['inherit', 'inherit', 'inherit', 'pipe'] : ['pipe', 'pipe', 'pipe', 'pipe'],
    // Not that of the command: it could lead this program astray.
    env: {},
  });
  const pipe = child.stdio[LAUNCH_FD];
  // While it is worked out, the process starts.
  const whole: Launch = { ...launch, confinement: confinement() };
  // Writable, as was asked for. When the step ends early, its exit says so.
  if (pipe instanceof Writable) pipe.on('error', () => {}).end(JSON.stringify(whole));
  return child;
}
