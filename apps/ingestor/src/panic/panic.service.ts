import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { CommandView, TriggerPanic } from '@raypher/shared/rest';
import { labelOf, type Principal } from '../auth/principal.ts';
import { CommandsService } from '../commands/commands.service.ts';
import { DevicesService } from '../fleet/devices.service.ts';

/** An emergency that a device hears of later than this may be over; a freeze waits, a panic does not. */
const EXPIRES_AFTER_MS = 5 * 60_000;

/** The emergency brake of one device: one signed command, one entry of the audit. */
@Injectable()
export class PanicService {
  constructor(
    private readonly commands: CommandsService,
    private readonly devices: DevicesService,
  ) {}

  /** @throws RaypherError `request/invalid` for all AI agents of a device whose name was not repeated */
  trigger(
    caller: Principal,
    deviceId: string,
    { target, agent, hold, memory, reason, confirm }: TriggerPanic,
  ): Promise<CommandView> {
    const what = { target, ...(agent === undefined ? {} : { agent }), hold, memory };
    return this.commands.issue(caller, deviceId, {
      verb: 'panic',
      given: async (tx) => {
        const { hostname } = await this.devices.requireDevice(tx, deviceId);
        if (target === 'all' && confirm !== hostname) {
          throw new RaypherError(
            'request/invalid',
            'This stops every AI agent of the device and was not confirmed.',
            {
              hint: `Repeat the device's name in "confirm": ${hostname}`,
              details: { field: 'confirm' },
            },
          );
        }
        return { ...what, by: labelOf(caller) };
      },
      recorded: what,
      reason,
      expiresAfterMs: EXPIRES_AFTER_MS,
    });
  }
}
