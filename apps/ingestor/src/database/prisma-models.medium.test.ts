import { createTestDatabase, type TestDatabase } from '@raypher/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Prisma } from '../generated/prisma/client.ts';
import { type SeededTenant, seedTenant } from '../testing/seed-tenant.ts';
import { TenantDatabase } from './tenant-database.ts';

/** Model → table, as `@@map` in prisma/schema.prisma says. */
const TABLES: Record<keyof typeof Prisma.ModelName, string> = {
  Organisation: 'organisations',
  Team: 'teams',
  Member: 'members',
  ApiToken: 'api_tokens',
  OrganisationKey: 'organisation_keys',
  EnrolmentToken: 'enrolment_tokens',
  Device: 'devices',
  DeviceCertificate: 'device_certificates',
  EnrolmentChallenge: 'enrolment_challenges',
  DeviceBoot: 'device_boots',
  DeviceIdentityEvent: 'device_identity_events',
  AiAgent: 'ai_agents',
  PolicyRevision: 'policy_revisions',
  Freeze: 'freezes',
  StateBundle: 'state_bundles',
  Rollout: 'rollouts',
  RolloutDevice: 'rollout_devices',
  Command: 'commands',
  OutboxMessage: 'outbox',
  DeviceChain: 'device_chains',
  Event: 'events',
  Alert: 'alerts',
  AuditEntry: 'audit_entries',
  OrganisationSettings: 'organisation_settings',
  TpmRoot: 'tpm_roots',
  PrivateRetention: 'private_retention',
  EventPrivate: 'event_private',
  Incident: 'incidents',
  IncidentEvent: 'incident_events',
  IncidentChange: 'incident_changes',
  Approval: 'approvals',
  ApprovalWebhook: 'approval_webhooks',
  BudgetCounter: 'budget_counters',
  BudgetLease: 'budget_leases',
  SpendDaily: 'spend_daily',
  OrganisationPrices: 'organisation_prices',
  ForensicKey: 'forensic_keys',
  LedgerLog: 'ledger_logs',
  LedgerBatch: 'ledger_batches',
  LedgerControl: 'ledger_control',
  LedgerTile: 'ledger_tiles',
  LedgerCheckpoint: 'ledger_checkpoints',
  LedgerAnchor: 'ledger_anchors',
  ExportDestination: 'export_destinations',
  ExportCursor: 'export_cursors',
  RecordRetention: 'record_retention',
  LegalHold: 'legal_holds',
  ArchiveCursor: 'archive_cursors',
  DroppedEventDay: 'dropped_event_days',
};

/** What a value of each column type must be in JavaScript. */
const KINDS: Record<string, (value: unknown) => boolean> = {
  uuid: (value) => typeof value === 'string',
  text: (value) => typeof value === 'string',
  integer: (value) => typeof value === 'number',
  smallint: (value) => typeof value === 'number',
  bigint: (value) => typeof value === 'bigint',
  numeric: (value) => value instanceof Prisma.Decimal,
  boolean: (value) => typeof value === 'boolean',
  bytea: (value) => value instanceof Uint8Array,
  jsonb: (value) => typeof value === 'object',
  date: (value) => value instanceof Date,
  'timestamp with time zone': (value) => value instanceof Date,
  ARRAY: (value) => Array.isArray(value),
};

let database: TestDatabase;
let admin: pg.Client;
let tenants: TenantDatabase;
let tenant: SeededTenant;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
  tenant = await seedTenant(admin, 'Models');
  tenants = new TenantDatabase({ connectionString: database.urls.app });
});
afterAll(async () => {
  await Promise.all([admin.end(), tenants.close()]);
  await database.drop();
});

describe('prisma/schema.prisma', () => {
  it('has a model for every table', async () => {
    const { rows } = await admin.query<{ table: string }>(`
      SELECT relname AS table FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND relname <> '_prisma_migrations'`);
    expect(Object.values(TABLES).sort()).toEqual(rows.map(({ table }) => table).sort());
  });

  it.each(Object.values(Prisma.ModelName))('%s has the columns and types of its table', async (model) => {
    const { rows: columns } = await admin.query<{ name: string; type: string; nullable: boolean }>(
      `SELECT column_name AS name, data_type AS type, is_nullable = 'YES' AS nullable
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`,
      [TABLES[model]],
    );
    const row = await tenants.within(tenant.organisation, async (tx) => {
      const key = `${model.charAt(0).toLowerCase()}${model.slice(1)}`;
      // Delegates are named after their models; the name comes from Prisma's own list.
      const delegate: unknown = Reflect.get(tx, key);
      return (delegate as { findFirst: () => Promise<Record<string, unknown> | null> }).findFirst();
    });
    if (row === null) throw new Error(`${model} has no row to look at`);
    expect(Object.keys(row).map(snake).sort()).toEqual(columns.map(({ name }) => name).sort());
    for (const { name, type, nullable } of columns) {
      const value = Object.entries(row).find(([field]) => snake(field) === name)?.[1];
      if (value === null) expect(nullable, `${model}.${name}`).toBe(true);
      else expect(KINDS[type]?.(value), `${model}.${name} is ${type}`).toBe(true);
    }
  });
});

function snake(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
