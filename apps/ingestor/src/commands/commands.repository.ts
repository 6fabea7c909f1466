import { Injectable } from '@nestjs/common';
import { type CommandView, PanicOutcome } from '@raypher/shared/rest';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { Command } from '../generated/prisma/client.ts';
import type { SignedPayload } from '../keys/signing.service.ts';
import { ControlEntriesRepository } from '../ledger/control-entries.repository.ts';

export interface NewCommand {
  id: string;
  deviceId: string;
  verb: string;
  signed: SignedPayload;
  reason: string;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date;
}

@Injectable()
export class CommandsRepository {
  constructor(
    private readonly database: TenantDatabase,
    private readonly control: ControlEntriesRepository,
  ) {}

  /** Of one device, newest first. */
  page(
    organisationId: string,
    deviceId: string,
    before: { createdAt: string; id: string } | undefined,
    limit: number,
  ): Promise<Command[]> {
    const older =
      before === undefined
        ? []
        : [
            {
              OR: [
                { createdAt: { lt: before.createdAt } },
                { createdAt: before.createdAt, id: { lt: before.id } },
              ],
            },
          ];
    return this.database.within(organisationId, (tx) =>
      tx.command.findMany({
        where: { AND: [{ deviceId }, ...older] },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        take: limit + 1,
      }),
    );
  }

  /** Also an entry of the log: which order was signed. */
  async insert(tx: TenantTransaction, organisationId: string, command: NewCommand): Promise<Command> {
    const { signed, ...columns } = command;
    const { id, deviceId: device, verb } = columns;
    await this.control.add(tx, organisationId, {
      kind: 'command',
      body: { command: id, device, verb, digest: signed.digest.toString('hex'), keyId: signed.keyId },
    });
    return tx.command.create({
      data: {
        ...columns,
        organisationId,
        payload: new Uint8Array(signed.payload),
        signature: new Uint8Array(signed.signature),
        keyId: signed.keyId,
      },
    });
  }
}

export function showCommand(row: Command): CommandView {
  return {
    id: row.id,
    deviceId: row.deviceId,
    verb: row.verb,
    reason: row.reason,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
    ok: row.ok,
    code: row.code,
    detail: row.detail,
    panic: row.verb === 'panic' ? (PanicOutcome.safeParse(row.result).data ?? null) : null,
  };
}
