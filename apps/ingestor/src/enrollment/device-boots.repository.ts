import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';

/**
 * `returned`: another boot replaced this one before, and a machine never goes back to an earlier boot. `too-many`: more
 * within a day than any machine has.
 */
export type BootStanding = 'same' | 'next' | 'returned' | 'too-many';

/** Why boots make two machines of one. */
export const SUSPECT_BOOTS: Readonly<Record<BootStanding, string | undefined>> = {
  same: undefined,
  next: undefined,
  returned: 'A boot of the machine came back after another had replaced it: two machines use one identity.',
  'too-many': 'The device names more boots within a day than any machine has.',
};

/** The boots of each device, which the link notes too. */
@Injectable()
export class DeviceBootsRepository {
  async note(
    tx: TenantTransaction,
    organisationId: string,
    deviceId: string,
    bootId: string,
  ): Promise<BootStanding> {
    const [row] = await tx.$queryRaw<{ standing: BootStanding }[]>`
      SELECT note_boot(${organisationId}::uuid, ${deviceId}::uuid, ${bootId}) AS standing`;
    if (row === undefined) throw new Error('a function always gives one row');
    return row.standing;
  }

  /** Somebody has decided which machine it is: what was before does not count any more. */
  async forget(tx: TenantTransaction, deviceId: string): Promise<void> {
    await tx.deviceBoot.deleteMany({ where: { deviceId } });
  }
}
