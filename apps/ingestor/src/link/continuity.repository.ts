import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../database/ingest-database.ts';
import type { BootStanding } from '../enrollment/device-boots.repository.ts';

/** What the link writes about a device's identity, all of it by functions of the database that do no more than this. */
@Injectable()
export class ContinuityRepository {
  constructor(private readonly database: IngestDatabase) {}

  async noteBoot(organisationId: string, deviceId: string, bootId: string): Promise<BootStanding> {
    const [row] = await this.database.query<{ standing: BootStanding }>(
      'SELECT note_boot($1, $2, $3) AS standing',
      [organisationId, deviceId, bootId],
    );
    if (row === undefined) throw new Error('a function always gives one row');
    return row.standing;
  }

  async pauseClone(deviceId: string, why: string): Promise<void> {
    await this.database.query('SELECT pause_cloned_device($1, $2)', [deviceId, why]);
  }

  async announceVaultKey(deviceId: string, publicKey: Buffer, signature: Buffer): Promise<void> {
    await this.database.query('SELECT announce_vault_key($1, $2, $3)', [deviceId, publicKey, signature]);
  }
}
