import { randomBytes, randomUUID } from 'node:crypto';
import { BlockList } from 'node:net';
import { Logger } from '@nestjs/common';
import { type ExportKind, ExportSettings } from '@raypher/shared/rest';
import { createTestDatabase, type TestDatabase } from '@raypher/testkit';
import { z } from 'zod';
import { AlertsRepository } from '../../alerts/alerts.repository.ts';
import type { ApiConfig } from '../../config/config.ts';
import { CrossTenantRepository } from '../../database/cross-tenant.repository.ts';
import { TenantDatabase } from '../../database/tenant-database.ts';
import { LiveChanges } from '../../live/live-changes.ts';
import { MetricsService } from '../../metrics/metrics.service.ts';
import { ExportService } from '../export.service.ts';
import { ExportAlerts } from '../export-alerts.service.ts';
import { ExportCursorsRepository } from '../export-cursors.repository.ts';
import { ExportMetrics } from '../export-metrics.ts';
import { LogReaderRepository } from '../log-reader.repository.ts';
import { type ExportSecret, Senders } from '../senders.ts';
import { type Admin, TestLog } from './test-log.ts';

const Cursor = z.object({
  next: z.number(),
  sent: z.number(),
  failure: z.string().nullable(),
  failures: z.number(),
});

/** The network of a test: the name of the receiver leads to this machine, which may be reached. */
const HERE = { address: '127.0.0.1', family: 4 };

/** An api process' export, without the rest of the process. */
export class Exporter {
  readonly service: ExportService;
  readonly senders: Senders;
  readonly metrics = new MetricsService();
  readonly tenants: TenantDatabase;
  readonly #crossTenant: CrossTenantRepository;

  /** @param connectionString as raypher_app */
  constructor(connectionString: string, masterKey: Buffer, exportDirectory: string | undefined) {
    this.tenants = new TenantDatabase({ connectionString });
    this.#crossTenant = new CrossTenantRepository(connectionString);
    const networks = new BlockList();
    networks.addSubnet('127.0.0.0', 8, 'ipv4');
    // The export uses nothing else of the configuration.
    const config = { masterKey, exportNetworks: networks, exportDirectory } as ApiConfig;
    const changes = new LiveChanges();
    const log = new LogReaderRepository(this.tenants);
    this.senders = new Senders(config);
    this.senders.network = { ...this.senders.network, resolve: async () => [HERE] };
    this.senders.patience = { everyMs: 10, atMostMs: 500 };
    this.service = new ExportService(
      this.#crossTenant,
      this.tenants,
      new ExportCursorsRepository(this.tenants),
      log,
      this.senders,
      new ExportAlerts(new AlertsRepository(this.tenants), log, changes),
      new ExportMetrics(this.metrics),
    );
    this.service.pace = {
      lookMs: 20,
      leaseMs: 30_000,
      firstPauseMs: 20,
      longestPauseMs: 200,
      alertAfterMs: 0,
    };
  }

  start(): void {
    this.service.onApplicationBootstrap();
  }

  async stop(): Promise<void> {
    await this.service.onApplicationShutdown();
    await Promise.all([this.tenants.close(), this.#crossTenant.close()]);
  }
}

/** A database with an organisation's log, and as many exporters as a test wants. */
export class ExportHarness {
  readonly #masterKey = randomBytes(32);
  readonly #exporters: Exporter[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly admin: Admin,
    public log: TestLog,
  ) {}

  /** @param connect as the superuser of that address */
  static async start(connect: (url: string) => Promise<Admin>): Promise<ExportHarness> {
    // What is said of outages is somebody else's to read.
    Logger.overrideLogger(false);
    const database = await createTestDatabase();
    const admin = await connect(database.adminUrl);
    return new ExportHarness(database, admin, await TestLog.create(admin));
  }

  /** @returns one that does not look yet */
  exporter(exportDirectory?: string, connectionString: string = this.database.urls.app): Exporter {
    const exporter = new Exporter(connectionString, this.#masterKey, exportDirectory);
    this.#exporters.push(exporter);
    return exporter;
  }

  /** A destination that begins with the first entry. */
  async destination(
    kind: ExportKind,
    options: {
      address?: string;
      secret?: ExportSecret;
      ca?: string;
      settings?: ExportSettings;
      filter?: unknown;
    } = {},
  ): Promise<string> {
    const [id, keyId] = [randomUUID(), randomUUID()];
    const { address = '', secret = {}, ca = null, settings = {}, filter = {} } = options;
    const exporter = this.#exporters[0] ?? this.exporter();
    await this.admin.query(
      `INSERT INTO export_destinations (id, organisation_id, kind, name, address, settings, filter, ca, key_id, sealed, updated_by)
        VALUES ($1, $2, $3, 'SIEM', $4, $5, $6, $7, $8, $9, 'M')`,
      [
        id,
        this.log.organisation,
        kind,
        address,
        JSON.stringify(ExportSettings.parse(settings)),
        JSON.stringify(filter),
        ca,
        keyId,
        Buffer.from(exporter.senders.sealed(this.log.organisation, keyId, secret)),
      ],
    );
    await this.admin.query(
      'INSERT INTO export_cursors (organisation_id, destination_id, next_index) VALUES ($1, $2, 0)',
      [this.log.organisation, id],
    );
    return id;
  }

  async cursor(
    id: string,
  ): Promise<{ next: number; sent: number; failure: string | null; failures: number }> {
    const { rows } = await this.admin.query(
      'SELECT next_index::int AS next, sent::int AS sent, failure, failures FROM export_cursors WHERE destination_id = $1',
      [id],
    );
    return Cursor.parse(rows[0]);
  }

  /** Another organisation's log from here on. */
  async anotherLog(): Promise<void> {
    this.log = await TestLog.create(this.admin);
  }

  /** Ends the exporters of one test. */
  async stopExporters(): Promise<void> {
    await Promise.all(this.#exporters.splice(0).map((one) => one.stop()));
  }

  async stop(): Promise<void> {
    await this.stopExporters();
    await this.admin.end();
    await this.database.drop();
  }
}
