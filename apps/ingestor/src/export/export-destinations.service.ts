import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { testEvent } from '@raypher/ocsf';
import { RaypherError } from '@raypher/shared';
import {
  type ChangedExportDestination,
  type CreateExportDestination,
  type ExportDestination,
  type ExportDestinations,
  type ExportTestResult,
  type RewindExport,
  type UpdateExportDestination,
} from '@raypher/shared/rest';
import { AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { toJson } from '../database/json.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { ExportDestination as Row } from '../generated/prisma/client.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { DeliveryError, type Sender } from './delivery.ts';
import { ExportAlerts } from './export-alerts.service.ts';
import { ExportCursorsRepository } from './export-cursors.repository.ts';
import { recorded, showDestination } from './export-destination.view.ts';
import { exportChange, newDestination, type Plan } from './export-plan.ts';
import { LogReaderRepository } from './log-reader.repository.ts';
import { finished } from './outgoing.ts';
import { Senders } from './senders.ts';

/** Destinations per organisation: each is sent everything. */
const MOST = 20;

/** What administrators do with destinations. Every change is audited; whoever sends begins anew after it. */
@Injectable()
export class ExportDestinationsService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly audit: AuditRepository,
    private readonly cursors: ExportCursorsRepository,
    private readonly log: LogReaderRepository,
    private readonly senders: Senders,
    private readonly alerts: ExportAlerts,
    private readonly changes: LiveChanges,
  ) {}

  async list(organisationId: string): Promise<ExportDestinations> {
    const items = await this.database.within(organisationId, async (tx) => {
      const rows = await tx.exportDestination.findMany({ orderBy: { createdAt: 'asc' } });
      const shown = [];
      for (const row of rows) shown.push(await this.show(tx, row));
      return shown;
    });
    return { items, fileAllowed: this.senders.fileAllowed };
  }

  async create(caller: Principal, body: CreateExportDestination): Promise<ChangedExportDestination> {
    if (body.kind === 'file' && !this.senders.fileAllowed) {
      throw new RaypherError('request/invalid', 'This installation exports to no files.', {
        hint: 'The operator chooses a folder with RAYPHER_EXPORT_DIR.',
      });
    }
    const organisationId = caller.organisation.id;
    const plan = newDestination(body);
    const destination = await this.database.within(organisationId, async (tx) => {
      // One after the other, so that the number and the one file hold.
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('export'), hashtext(${organisationId}))`;
      const others = await tx.exportDestination.findMany({ select: { kind: true } });
      if (others.length >= MOST) {
        throw new RaypherError('request/conflict', `There are ${MOST} destinations already.`);
      }
      if (body.kind === 'file' && others.some(({ kind }) => kind === 'file')) {
        throw new RaypherError('request/conflict', 'The organisation has its file already.');
      }
      const row = await tx.exportDestination.create({
        data: {
          organisationId,
          kind: body.kind,
          name: body.name,
          filter: toJson(body.filter),
          updatedBy: labelOf(caller),
          ...this.columns(organisationId, plan),
        },
      });
      const nextIndex = body.from === 'beginning' ? 0n : await this.log.end(tx);
      await tx.exportCursor.create({ data: { organisationId, destinationId: row.id, nextIndex } });
      await this.audit.record(tx, organisationId, caller, {
        action: 'export.create',
        target: row.name,
        reason: body.reason,
        before: null,
        after: { ...recorded(row), from: Number(nextIndex) },
      });
      return this.show(tx, row);
    });
    this.changes.announce(organisationId, 'settings', 'audit');
    return { destination, signingKey: plan.newSigningKey };
  }

  async update(
    caller: Principal,
    id: string,
    body: UpdateExportDestination,
  ): Promise<ChangedExportDestination> {
    const organisationId = caller.organisation.id;
    const changed = await this.database.within(organisationId, async (tx) => {
      const before = await this.require(tx, id);
      const plan = exportChange(before, this.senders.secretOf(before), body);
      const row = await tx.exportDestination.update({
        where: { id },
        data: {
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.enabled === undefined ? {} : { enabled: body.enabled }),
          ...(body.filter === undefined ? {} : { filter: toJson(body.filter) }),
          ...this.columns(organisationId, plan),
          version: { increment: 1 },
          updatedAt: new Date(),
          updatedBy: labelOf(caller),
        },
      });
      await this.cursors.interrupt(tx, id);
      if (!row.enabled) await this.alerts.close(tx, id);
      await this.audit.record(tx, organisationId, caller, {
        action: 'export.update',
        target: row.name,
        reason: body.reason,
        before: recorded(before),
        after: { ...recorded(row), secretChanged: plan.secretChanged },
      });
      return { destination: await this.show(tx, row), signingKey: plan.newSigningKey };
    });
    this.changes.announce(organisationId, 'settings', 'audit');
    return changed;
  }

  async remove(caller: Principal, id: string): Promise<void> {
    const organisationId = caller.organisation.id;
    await this.database.within(organisationId, async (tx) => {
      const row = await this.require(tx, id);
      await this.alerts.close(tx, id);
      await tx.exportDestination.delete({ where: { id } });
      await this.audit.record(tx, organisationId, caller, {
        action: 'export.delete',
        target: row.name,
        before: recorded(row),
        after: null,
      });
    });
    this.changes.announce(organisationId, 'settings', 'audit');
  }

  /** Backwards sends again, forwards leaves out; never past the end of the log. */
  async rewind(caller: Principal, id: string, { index, reason }: RewindExport): Promise<ExportDestination> {
    const organisationId = caller.organisation.id;
    const destination = await this.database.within(organisationId, async (tx) => {
      const row = await this.require(tx, id);
      const end = await this.log.end(tx);
      if (BigInt(index) > end) {
        throw new RaypherError('request/invalid', `The log has ${end} entries.`, {
          hint: `Give a place between 0 and ${end}.`,
        });
      }
      const before = await tx.exportCursor.findUnique({ where: { destinationId: id } });
      await this.cursors.interrupt(tx, id, BigInt(index));
      await this.audit.record(tx, organisationId, caller, {
        action: 'export.rewind',
        target: row.name,
        reason,
        before: { nextIndex: Number(before?.nextIndex ?? 0n) },
        after: { nextIndex: index },
      });
      return this.show(tx, row);
    });
    this.changes.announce(organisationId, 'settings', 'audit');
    return destination;
  }

  /** Sends one event that says that it is a test, past the queue; the cursor stays where it is. */
  async test(caller: Principal, id: string): Promise<ExportTestResult> {
    const organisationId = caller.organisation.id;
    const row = await this.database.within(organisationId, async (tx) => {
      const found = await this.require(tx, id);
      await this.audit.record(tx, organisationId, caller, { action: 'export.test', target: found.name });
      return found;
    });
    this.changes.announce(organisationId, 'audit');
    let sender: Sender | undefined;
    try {
      sender = this.senders.open(row, true);
      const said = await sender.send([finished(0, 'info', testEvent(organisationId, id, new Date()))]);
      return { ok: true, said };
    } catch (error) {
      if (error instanceof DeliveryError) return { ok: false, said: error.message };
      throw error;
    } finally {
      await sender?.close();
    }
  }

  /** A changed destination is sealed anew, under a key id of its own. */
  private columns(organisationId: string, { address, settings, ca, secret }: Plan) {
    const keyId = randomUUID();
    return {
      address,
      settings: toJson(settings),
      ca,
      keyId,
      sealed: this.senders.sealed(organisationId, keyId, secret),
    };
  }

  private async require(tx: TenantTransaction, id: string): Promise<Row> {
    const row = await tx.exportDestination.findUnique({ where: { id } });
    if (row === null) throw new RaypherError('request/not-found', 'There is no such destination.');
    return row;
  }

  private async show(tx: TenantTransaction, row: Row): Promise<ExportDestination> {
    const cursor = await tx.exportCursor.findUniqueOrThrow({ where: { destinationId: row.id } });
    const end = await this.log.end(tx);
    const behindSince = cursor.nextIndex < end ? await this.log.storedAt(tx, cursor.nextIndex) : undefined;
    return showDestination(row, cursor, end, behindSince);
  }
}
