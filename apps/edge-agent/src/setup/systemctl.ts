import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';

/** sd_booted(3): whether systemd runs this system. */
export function isSystemdRunning(): boolean {
  return existsSync('/run/systemd/system');
}

/** Runs systemctl. @returns its output when it succeeds, undefined when it says no. */
export function askSystemctl(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('systemctl', args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** @throws RaypherError `service/not-running` with what systemctl said */
export function tellSystemctl(...args: string[]): void {
  const { status, stderr, error } = spawnSync('systemctl', args, { encoding: 'utf8' });
  if (status === 0) return;
  const said = error?.message ?? stderr.trim();
  throw new RaypherError('service/not-running', `systemctl ${args.join(' ')} failed: ${said}`, {
    hint: 'Look at `journalctl -u raypher -n 50`.',
  });
}
