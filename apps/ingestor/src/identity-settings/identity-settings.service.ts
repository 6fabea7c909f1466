import { Injectable } from '@nestjs/common';
import {
  AdmissionRule,
  type IdentityClass,
  type IdentitySettings,
  type UpdateIdentitySettings,
} from '@raypher/shared/rest';
import { AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { OrganisationSettings } from '../generated/prisma/client.ts';
import { LiveChanges } from '../live/live-changes.ts';

/** What an organisation does with devices of each identity class. */
@Injectable()
export class IdentitySettingsService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  /** Every class is let in until an organisation decides otherwise. */
  async admission(
    tx: TenantTransaction,
    organisationId: string,
  ): Promise<Record<IdentityClass, AdmissionRule>> {
    return admissionOf(await tx.organisationSettings.findUnique({ where: { organisationId } }));
  }

  async read(organisationId: string): Promise<IdentitySettings> {
    const row = await this.database.within(organisationId, (tx) =>
      tx.organisationSettings.findUnique({ where: { organisationId } }),
    );
    return show(row);
  }

  /** Concerns enrolments from now on; devices that are in stay in. */
  async update(caller: Principal, input: UpdateIdentitySettings): Promise<IdentitySettings> {
    const organisationId = caller.organisation.id;
    const { hardware, virtual, unverified, software } = input.admission;
    const row = await this.database.within(organisationId, async (tx) => {
      const before = await this.admission(tx, organisationId);
      const settings = {
        admitHardware: hardware,
        admitVirtual: virtual,
        admitUnverified: unverified,
        admitSoftware: software,
        updatedAt: new Date(),
        updatedBy: labelOf(caller),
      };
      const updated = await tx.organisationSettings.upsert({
        where: { organisationId },
        create: { organisationId, ...settings },
        update: settings,
      });
      await this.audit.record(tx, organisationId, caller, {
        action: 'settings.identity',
        target: 'admission of devices',
        reason: input.reason,
        before,
        after: admissionOf(updated),
      });
      return updated;
    });
    this.changes.announce(organisationId, 'settings', 'audit');
    return show(row);
  }
}

function show(row: OrganisationSettings | null): IdentitySettings {
  return {
    admission: admissionOf(row),
    updatedAt: row?.updatedAt.toISOString() ?? null,
    updatedBy: row?.updatedBy ?? null,
  };
}

function admissionOf(row: OrganisationSettings | null): Record<IdentityClass, AdmissionRule> {
  if (row === null) return { hardware: 'admit', virtual: 'admit', unverified: 'admit', software: 'admit' };
  return {
    hardware: AdmissionRule.parse(row.admitHardware),
    virtual: AdmissionRule.parse(row.admitVirtual),
    unverified: AdmissionRule.parse(row.admitUnverified),
    software: AdmissionRule.parse(row.admitSoftware),
  };
}
