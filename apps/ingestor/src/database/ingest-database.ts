import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type pg from 'pg';
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

/**
 * The link side's connections, as raypher_ingest: it writes events and heads for many organisations in
 * one transaction and can read neither events nor keys nor people.
 */
@Injectable()
export class IngestDatabase implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('IngestDatabase');
  private readonly pool: pg.Pool;

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
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
