import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../database/ingest-database.ts';

export interface WaitingCommand {
  id: string;
  deviceId: string;
  payload: Buffer;
  signature: Buffer;
  keyId: string;
}

@Injectable()
export class CommandsRepository {
  constructor(private readonly database: IngestDatabase) {}

  /** Not finished and not expired, oldest first. */
  waiting(organisationId: string, deviceIds: string[]): Promise<WaitingCommand[]> {
    return this.database.query<WaitingCommand>(
      `SELECT id, device_id AS "deviceId", payload, signature, key_id AS "keyId" FROM commands
        WHERE organisation_id = $1 AND device_id = ANY ($2::uuid[]) AND finished_at IS NULL AND expires_at > now()
        ORDER BY created_at`,
      [organisationId, deviceIds],
    );
  }

  /** The first result counts. @returns false when the command is not this device's or is finished. */
  async finish(
    deviceId: string,
    command: { id: string; ok: boolean; code: string; detail: string; result: unknown },
  ): Promise<boolean> {
    const rows = await this.database.query(
      `UPDATE commands SET finished_at = now(), ok = $3, code = $4, detail = $5, result = $6
        WHERE id = $1 AND device_id = $2 AND finished_at IS NULL RETURNING id`,
      [command.id, deviceId, command.ok, command.code, command.detail, JSON.stringify(command.result)],
    );
    return rows.length === 1;
  }
}
