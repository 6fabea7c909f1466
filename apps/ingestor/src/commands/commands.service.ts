import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type CommandVerb, RaypherError } from '@raypher/shared';
import type { CommandView, SendCommand } from '@raypher/shared/rest';
import { z } from 'zod';
import { AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { DevicesService } from '../fleet/devices.service.ts';
import { SigningService } from '../keys/signing.service.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { OutboxRepository } from '../outbox/outbox.repository.ts';
import { OutboxRelay } from '../outbox/outbox-relay.service.ts';
import { CommandsRepository, showCommand } from './commands.repository.ts';

/** A command that reaches its device later than this is not carried out: what it named may be something else. */
const EXPIRES_AFTER_MS = 5 * 60_000;

const CommandKey = z.tuple([z.iso.datetime(), z.uuid()]);

/** What each verb takes. */
const ARGUMENTS = {
  scan: z.strictObject({}),
  // Both, so that a reused pid is never hit.
  kill: z.strictObject({ pid: z.number().int().min(2), startTime: z.string().min(1).max(64) }),
} satisfies Record<SendCommand['verb'], z.ZodType>;

/** A command of any verb. */
export interface Order {
  verb: CommandVerb;
  /** What the device gets; it may refuse the order by throwing. */
  given: (tx: TenantTransaction) => Promise<Record<string, string | number | boolean>>;
  /** What the audit keeps of it. */
  recorded: Record<string, string | number | boolean>;
  reason: string;
  expiresAfterMs: number;
}

@Injectable()
export class CommandsService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly commands: CommandsRepository,
    private readonly devices: DevicesService,
    private readonly signing: SigningService,
    private readonly outbox: OutboxRepository,
    private readonly relay: OutboxRelay,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  async list(
    organisationId: string,
    deviceId: string,
    query: { cursor?: string | undefined; limit: number },
  ) {
    await this.database.within(organisationId, (tx) => this.devices.requireDevice(tx, deviceId));
    const key = query.cursor === undefined ? undefined : decodeCursor(CommandKey, query.cursor);
    const before = key === undefined ? undefined : { createdAt: key[0], id: key[1] };
    const rows = await this.commands.page(organisationId, deviceId, before, query.limit);
    return toPage(rows, query.limit, showCommand, (row) => [row.createdAt.toISOString(), row.id]);
  }

  async send(caller: Principal, deviceId: string, input: SendCommand): Promise<CommandView> {
    const given = ARGUMENTS[input.verb].parse(input.arguments);
    const { verb, reason } = input;
    return this.issue(caller, deviceId, {
      verb,
      given: () => Promise.resolve(given),
      recorded: given,
      reason,
      expiresAfterMs: EXPIRES_AFTER_MS,
    });
  }

  /** Signs a command and has it delivered, once the device is known to be one of the caller's. */
  async issue(caller: Principal, deviceId: string, order: Order): Promise<CommandView> {
    const organisationId = caller.organisation.id;
    const row = await this.database.within(organisationId, async (tx) => {
      const device = await this.devices.requireDevice(tx, deviceId);
      if (device.status === 'revoked') {
        throw new RaypherError('request/conflict', 'This device was revoked; it takes no commands.');
      }
      const id = randomUUID();
      const createdAt = new Date();
      const expiresAt = new Date(createdAt.getTime() + order.expiresAfterMs);
      const { verb, reason, recorded } = order;
      const signed = await this.signing.signBundle(
        organisationId,
        {
          kind: 'command',
          id,
          organisation: organisationId,
          device: deviceId,
          verb,
          arguments: await order.given(tx),
          reason,
          issuedAt: createdAt.toISOString(),
          expiresAt: expiresAt.toISOString(),
        },
        tx,
      );
      const createdBy = labelOf(caller);
      const command = { id, deviceId, verb, signed, reason, createdBy, createdAt, expiresAt };
      const inserted = await this.commands.insert(tx, organisationId, command);
      await this.outbox.add(tx, { topic: 'command', organisation: organisationId, device: deviceId, id });
      await this.audit.record(tx, organisationId, caller, {
        action: `command.${verb}`,
        target: device.hostname,
        reason,
        before: null,
        after: { id, deviceId, verb, arguments: recorded },
      });
      return inserted;
    });
    this.relay.look();
    this.changes.announce(organisationId, 'commands', 'audit');
    return showCommand(row);
  }
}
