import { Injectable } from '@nestjs/common';
import type { AdmissionRule, IdentityClass } from '@raypher/shared/rest';
import type { TenantTransaction } from '../database/tenant-database.ts';

/** What an organisation does with devices of each identity class. */
@Injectable()
export class IdentitySettingsService {
  /** Every class is let in until an organisation decides otherwise. */
  async admission(
    _tx: TenantTransaction,
    _organisationId: string,
  ): Promise<Record<IdentityClass, AdmissionRule>> {
    return { hardware: 'admit', virtual: 'admit', unverified: 'admit', software: 'admit' };
  }
}
