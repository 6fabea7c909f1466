import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import pg from 'pg';
import { LINK_CONFIG } from '../config/config.module.ts';
import type { LinkConfig } from '../config/config.ts';
import { HealthService } from '../health/health.service.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { ANSWER_TIMEOUT_MS, ROLLBACK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from './patience.ts';
import { poolNumbers } from './pool-numbers.ts';
import { ProvenPool } from './proven-pool.ts';

// The types of pg do not know that one question may be less patient than the others.
const ROLLBACK: pg.QueryConfig & { query_timeout: number } = {
  text: 'ROLLBACK',
  query_timeout: ROLLBACK_TIMEOUT_MS,
};

/** Postgres' query_canceled, which a statement's timeout is, and lock_not_available. */
const ABOUT_WAITING = new Set(['57014', '55P03']);

function isAboutWaiting(error: unknown): boolean {
  return error instanceof pg.DatabaseError && ABOUT_WAITING.has(error.code ?? '');
}

/** A transaction this old whose client says nothing has none any more. Postgres gives no statement longer than that. */
const FORGOTTEN_AFTER = `${STATEMENT_TIMEOUT_MS} milliseconds`;

/**
 * The link side's connections, as raypher_ingest: it writes events and heads for many organisations in
 * one transaction and can read neither events nor keys nor people.
 */
@Injectable()
export class IngestDatabase implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('IngestDatabase');
  private readonly pool: pg.Pool;
  private ending: Promise<void> | undefined;

  constructor(
    @Inject(LINK_CONFIG) config: Pick<LinkConfig, 'ingestDatabaseUrl'>,
    private readonly health: HealthService,
    metrics: MetricsService,
  ) {
    this.pool = new ProvenPool({
      connectionString: config.ingestDatabaseUrl,
      max: 8,
      application_name: 'raypher-link',
      // Days of events are days of UTC.
      options: '-c timezone=UTC',
      connectionTimeoutMillis: 5_000,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      idle_in_transaction_session_timeout: 30_000,
      keepAlive: true,
    });
    metrics.watchPool('ingest', () => poolNumbers(this.pool));
    // An idle connection that dies (database restart) is replaced by the pool; without a listener it would end us.
    this.pool.on('error', (error) => this.logger.warn(`A database connection was lost: ${error.message}`));
  }

  onModuleInit(): void {
    const ping = async () => {
      await this.pool.query('SELECT 1');
    };
    this.health.register('database', ping, { isShared: true });
  }

  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const result = await this.pool.query<Row>(text, values);
    return result.rows;
  }

  /** Commits when the work resolves; rolls back, and gives up a broken connection, when it rejects. */
  async transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    const onError = (error: Error) => {
      broken = error;
    };
    client.on('error', onError);
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query(ROLLBACK).catch((cause: Error) => {
        broken = cause;
      });
      if (broken !== undefined || isAboutWaiting(error)) {
        this.ending ??= this.endForgotten().finally(() => {
          this.ending = undefined;
        });
      }
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  /**
   * Ends sessions of links that are gone in the middle of a COPY. They hold the chains of their devices, and no timeout
   * of Postgres reaches them: neither a statement's, which is not looked at while a COPY is read, nor that of a
   * transaction that is idle, since this one is not.
   */
  private async endForgotten(): Promise<void> {
    try {
      const ended = await this.query(
        // Found first, ended then: the others' sessions may not even be tried.
        `WITH forgotten AS MATERIALIZED (
           SELECT pid FROM pg_stat_activity
            WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()
              AND wait_event = 'ClientRead' AND xact_start < now() - $1::interval)
         SELECT pid FROM forgotten WHERE pg_terminate_backend(pid)`,
        [FORGOTTEN_AFTER],
      );
      if (ended.length > 0) this.logger.warn(`${ended.length} sessions of links that are gone were ended.`);
    } catch (error) {
      this.logger.warn(`Sessions of links that are gone could not be looked for: ${String(error)}`);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.ending;
    await this.pool.end();
  }
}
