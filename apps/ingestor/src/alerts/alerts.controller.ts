import { Controller, Get, Post } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { Alert, PageQuery, pageOf, Reason } from '@raypher/shared/rest';
import { z } from 'zod';
import { AuditRepository } from '../audit/audit.repository.ts';
import { Caller, Requires } from '../auth/access.decorators.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { AlertsRepository, showAlert } from './alerts.repository.ts';

const AlertQuery = PageQuery.extend({ state: z.enum(['open', 'resolved']).optional() });
const ResolveAlert = z.strictObject({ reason: Reason.optional() });
const AlertKey = z.tuple([z.boolean(), z.iso.datetime(), z.uuid()]);

@Controller('v1/alerts')
export class AlertsController {
  constructor(
    private readonly database: TenantDatabase,
    private readonly alerts: AlertsRepository,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  @Get()
  @Requires('alerts:read')
  @Answers('Open alerts, then resolved ones', pageOf(Alert))
  async list(@Caller() caller: Principal, @Search(AlertQuery) query: z.infer<typeof AlertQuery>) {
    const key = query.cursor === undefined ? undefined : decodeCursor(AlertKey, query.cursor);
    const before = key === undefined ? undefined : { isOpen: key[0], lastAt: key[1], id: key[2] };
    const rows = await this.alerts.page(caller.organisation.id, query, before, query.limit);
    return toPage(rows, query.limit, showAlert, (row) => [
      row.resolvedAt === null,
      row.lastAt.toISOString(),
      row.id,
    ]);
  }

  @Post(':id/resolve')
  @Requires('alerts:resolve')
  @Answers('Says that somebody has dealt with it', Alert)
  async resolve(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(ResolveAlert) body: z.infer<typeof ResolveAlert>,
  ): Promise<Alert> {
    const organisationId = caller.organisation.id;
    const alert = await this.database.within(organisationId, async (tx) => {
      const before = await this.alerts.find(tx, id);
      if (before === undefined) throw new RaypherError('request/not-found', 'There is no such alert.');
      if (before.resolvedAt !== null)
        throw new RaypherError('request/conflict', 'This alert was resolved already.');
      await this.alerts.resolve(tx, id, labelOf(caller));
      const after = await this.alerts.find(tx, id);
      await this.audit.record(tx, organisationId, caller, {
        action: 'alert.resolve',
        target: before.title,
        reason: body.reason ?? '',
        before: { id, resolved: false },
        after: { id, resolved: true },
      });
      return showAlert(after ?? before);
    });
    this.changes.emit('alert', organisationId, alert);
    this.changes.announce(organisationId, 'audit');
    return alert;
  }
}
