import { Controller, Get, Put } from '@nestjs/common';
import { OrganisationPrices, PutPrices } from '@raypher/shared/rest';
import { AuditRepository } from '../audit/audit.repository.ts';
import { Caller, Requires } from '../auth/access.decorators.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { OutboxRelay } from '../outbox/outbox-relay.service.ts';
import { PoliciesService } from '../policies/policies.service.ts';
import { requireConfirmation } from '../tenancy/confirmation.ts';
import { PricesRepository } from './prices.repository.ts';

@Controller('v1/prices')
export class PricesController {
  constructor(
    private readonly database: TenantDatabase,
    private readonly repository: PricesRepository,
    private readonly policies: PoliciesService,
    private readonly audit: AuditRepository,
    private readonly relay: OutboxRelay,
    private readonly changes: LiveChanges,
  ) {}

  @Get()
  @Requires('spend:read')
  @Answers("The organisation's own prices; the agents' own hold for the rest", OrganisationPrices)
  async read(@Caller() caller: Principal): Promise<OrganisationPrices> {
    const found = await this.database.within(caller.organisation.id, (tx) => this.repository.find(tx));
    return {
      prices: found?.prices ?? { version: 1, models: [] },
      updatedAt: found?.updatedAt.toISOString() ?? null,
      updatedBy: found?.updatedBy ?? null,
    };
  }

  @Put()
  @Requires('policies:deploy')
  @Answers("Replaces the organisation's own prices and sends them to every device", OrganisationPrices)
  async put(@Caller() caller: Principal, @JsonBody(PutPrices) body: PutPrices): Promise<OrganisationPrices> {
    requireConfirmation(caller, body.confirm);
    const { id } = caller.organisation;
    await this.database.within(id, async (tx) => {
      const before = await this.repository.find(tx);
      await this.repository.put(tx, id, body.prices, labelOf(caller));
      await this.audit.record(tx, id, caller, {
        action: 'prices.change',
        target: 'prices',
        reason: body.reason,
        before: before === null ? null : { prices: before.prices },
        after: { prices: body.prices },
      });
      await this.policies.reissue(tx, id, caller, labelOf(caller), body.reason);
    });
    this.relay.look();
    this.changes.announce(id, 'policies', 'audit', 'spend');
    return this.read(caller);
  }
}
