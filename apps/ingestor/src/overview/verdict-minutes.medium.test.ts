import { createTestDatabase, type TestDatabase } from '@raypher/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TenantDatabase } from '../database/tenant-database.ts';
import { EventsRepository } from '../events/events.repository.ts';
import { type SeededTenant, seedEvent, seedTenant } from '../testing/seed-tenant.ts';
import { VerdictMinutes } from './verdict-minutes.service.ts';

const MINUTE_MS = 60_000;

let database: TestDatabase;
let admin: pg.Client;
let tenants: TenantDatabase;
let tenant: SeededTenant;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
  tenants = new TenantDatabase({ connectionString: database.urls.app });
  tenant = await seedTenant(admin, 'Acme');
});
afterAll(async () => {
  await Promise.all([admin.end(), tenants.close()]);
  await database.drop();
});

describe('verdicts per minute', () => {
  it('stay the same whether they were kept or counted afresh, and forget nothing that comes late', async () => {
    const kept = new VerdictMinutes(new EventsRepository(tenants));
    const base = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
    let seq = 1;
    for (let step = 0; step < 8; step += 1) {
      const now = base + step * MINUTE_MS + 1_000;
      const verdicts = [
        { outcome: 'ALLOW', mode: 'enforce' },
        { outcome: 'DENY', mode: 'enforce' },
        { outcome: 'DENY', mode: 'monitor' },
        { outcome: 'PROMPT', mode: 'enforce' },
        { outcome: null, mode: null },
        // What was asked is recorded for itself; the action is one of the above.
        { type: 'approval.requested', outcome: 'PROMPT', mode: 'enforce' },
      ];
      for (const verdict of verdicts) {
        seq += 1;
        // Some arrive with the clock of a minute ago: a link process whose commit took long.
        const receivedAt = new Date(now - (seq % 2) * MINUTE_MS);
        await seedEvent(admin, tenant, { seq, ...verdict, receivedAt });
      }
      const fresh = new VerdictMinutes(new EventsRepository(tenants));
      expect(await kept.lastHour(tenant.organisation, now), `step ${step}`).toEqual(
        await fresh.lastHour(tenant.organisation, now),
      );
    }
    const minutes = await kept.lastHour(tenant.organisation, base + 7 * MINUTE_MS + 2_000);
    const sum = (kind: 'allow' | 'deny' | 'wouldDeny' | 'prompt') =>
      minutes.reduce((total, one) => total + one[kind], 0);
    // seedTenant wrote one ALLOW too.
    expect([sum('allow'), sum('deny'), sum('wouldDeny'), sum('prompt')]).toEqual([9, 8, 8, 8]);
    expect(minutes).toHaveLength(60);
  });

  it('an hour later the old minutes are gone', async () => {
    const verdicts = new VerdictMinutes(new EventsRepository(tenants));
    const later = await verdicts.lastHour(tenant.organisation, Date.now() + 3 * 60 * MINUTE_MS);
    expect(later.every(({ allow, deny }) => allow + deny === 0)).toBe(true);
  });
});
