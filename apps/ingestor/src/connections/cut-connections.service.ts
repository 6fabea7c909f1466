import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { CommandView } from '@raypher/shared/rest';
import { labelOf, type Principal } from '../auth/principal.ts';
import { CommandsService } from '../commands/commands.service.ts';
import { DevicesService } from '../fleet/devices.service.ts';
import { reachOf } from './reach.ts';

/** What was to be ended has ended by then. */
const EXPIRES_AFTER_MS = 60_000;

/** Ends a connection on a device: one signed command, one entry of the audit. */
@Injectable()
export class CutConnectionsService {
  constructor(
    private readonly commands: CommandsService,
    private readonly devices: DevicesService,
  ) {}

  cut(caller: Principal, deviceId: string, connection: string, reason: string): Promise<CommandView> {
    return this.commands.issue(caller, deviceId, {
      verb: 'cut-connection',
      given: async (tx) => {
        const reach = reachOf(caller);
        const { teamId } = await this.devices.requireDevice(tx, deviceId);
        if (reach !== undefined && (reach === null || teamId !== reach)) {
          throw new RaypherError('auth/forbidden', 'This device belongs to another team than yours.');
        }
        return { connection, by: labelOf(caller) };
      },
      recorded: { connection },
      reason,
      expiresAfterMs: EXPIRES_AFTER_MS,
    });
  }
}
