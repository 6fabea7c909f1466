import { Injectable } from '@nestjs/common';
import type { DeviceStatus } from '@raypher/shared/rest';
import { IngestDatabase } from '../database/ingest-database.ts';

export interface DirectoryRow {
  organisationId: string;
  deviceId: string;
  notAfter: Date;
  certificateRevoked: boolean;
  status: DeviceStatus;
  teamId: string | null;
  hostname: string;
  simulated: boolean;
  vaultPublicKey: Buffer | null;
}

export interface DeviceStanding {
  deviceId: string;
  status: DeviceStatus;
  teamId: string | null;
}

@Injectable()
export class DeviceDirectoryRepository {
  constructor(private readonly database: IngestDatabase) {}

  async findByCertificate(fingerprint: Buffer): Promise<DirectoryRow | undefined> {
    const [row] = await this.database.query<DirectoryRow>(
      `SELECT c.organisation_id AS "organisationId", c.device_id AS "deviceId", c.not_after AS "notAfter",
              c.revoked_at IS NOT NULL AS "certificateRevoked", d.status, d.team_id AS "teamId", d.hostname, d.simulated,
              d.vault_public_key AS "vaultPublicKey"
         FROM device_certificates c JOIN devices d ON d.id = c.device_id AND d.organisation_id = c.organisation_id
        WHERE c.fingerprint = $1`,
      [fingerprint],
    );
    return row;
  }

  standings(organisationId: string, deviceIds: string[]): Promise<DeviceStanding[]> {
    return this.database.query<DeviceStanding>(
      `SELECT id AS "deviceId", status, team_id AS "teamId" FROM devices
        WHERE organisation_id = $1 AND id = ANY ($2::uuid[])`,
      [organisationId, deviceIds],
    );
  }
}
