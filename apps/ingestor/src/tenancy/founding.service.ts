import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { STARTER_POLICY } from '@raypher/policy';
import { AuditRepository, SYSTEM } from '../audit/audit.repository.ts';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { OrganisationKeysService } from '../keys/organisation-keys.service.ts';
import { PoliciesService } from '../policies/policies.service.ts';
import { MembersService } from './members.service.ts';
import { OrganisationsRepository } from './organisations.repository.ts';

export interface Founding {
  organisation: string;
  email: string;
  password: string;
}

/** Makes an organisation complete: keys, starter policy, first administrator. */
@Injectable()
export class FoundingService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly crossTenant: CrossTenantRepository,
    private readonly organisations: OrganisationsRepository,
    private readonly keys: OrganisationKeysService,
    private readonly policies: PoliciesService,
    private readonly members: MembersService,
    private readonly audit: AuditRepository,
  ) {}

  /** The organisation of that name, made when it is not there yet. Running it again changes nothing. */
  async ensure(founding: Founding): Promise<{ organisation: string; created: boolean }> {
    const known = await this.findByName(founding.organisation);
    const id = known ?? randomUUID();
    if (known === undefined) {
      await this.database.within(id, async (tx) => {
        await this.organisations.insert(tx, id, founding.organisation);
        await this.keys.create(tx, id);
        await this.audit.record(tx, id, SYSTEM, {
          action: 'organisation.create',
          target: founding.organisation,
          before: null,
          after: { id, name: founding.organisation },
        });
        await this.policies.found(tx, id, SYSTEM, STARTER_POLICY);
      });
    }
    // A crash between the two leaves an organisation nobody can enter; the next run completes it.
    const { items } = await this.members.list(id, { limit: 1 });
    if (items.length === 0) {
      const member = { name: 'Administrator', email: founding.email, role: 'ciso' as const, teamId: null };
      await this.members.create(id, SYSTEM, member, founding.password);
    }
    return { organisation: id, created: known === undefined };
  }

  /** The first organisation of the installation; undefined before set-up. */
  async first(): Promise<string | undefined> {
    const [id] = await this.crossTenant.organisationIds();
    return id;
  }

  private async findByName(name: string): Promise<string | undefined> {
    for (const id of await this.crossTenant.organisationIds()) {
      const found = await this.database.within(id, (tx) => this.organisations.name(tx));
      if (found === name) return id;
    }
    return undefined;
  }
}
