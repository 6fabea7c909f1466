import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RaypherError } from '@raypher/shared/errors';
import type { Config } from '../config/config.ts';

/** Where sockets lie that several users may open: the data folder is its owner's alone. */
const SHARED_SOCKET = '/run/raypher/gate.sock';

type GateConfig = Pick<Config, 'dataDir' | 'gateSocket' | 'gateGroup'>;

export interface GateAccess {
  /** For programs that ask. */
  ordinary: string;
  /** For programs that issue permits; in the data folder, for its owner alone. */
  privileged: string;
  /** Who may open the ordinary one; undefined: its owner alone. */
  group: string | undefined;
}

/** Where the sockets of the gate are; the same for the service and for those who ask it. */
export function gateAccess({ dataDir, gateSocket, gateGroup }: GateConfig): GateAccess {
  const beside = gateGroup === undefined ? join(dataDir, 'gate.sock') : SHARED_SOCKET;
  return {
    ordinary: gateSocket ?? beside,
    privileged: join(dataDir, 'gate-mint.sock'),
    group: gateGroup,
  };
}

/** @throws RaypherError `config/invalid` when there is no such group */
export function gidOf(name: string, path = '/etc/group'): number {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [found, , gid] = line.split(':');
    if (found === name && gid !== undefined && /^\d+$/.test(gid)) return Number(gid);
  }
  throw new RaypherError('config/invalid', `gate.group: there is no group ${name} on this machine.`, {
    hint: `Create it: groupadd --system ${name}`,
  });
}
