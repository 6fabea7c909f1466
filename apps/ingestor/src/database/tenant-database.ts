import { PrismaPg } from '@prisma/adapter-pg';
import { OrganisationId } from '@raypher/shared';
import { type Prisma, PrismaClient } from '../generated/prisma/client.ts';
import { currentSpan, within as spanWithin } from '../tracing/current-span.ts';
import { ANSWER_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from './patience.ts';
import { ProvenPool } from './proven-pool.ts';

/** A transaction that sees exactly one organisation. Unsafe raw SQL (built from strings) is not on offer. */
export type TenantTransaction = Omit<Prisma.TransactionClient, '$executeRawUnsafe' | '$queryRawUnsafe'>;

export interface TenantDatabaseOptions {
  /** As raypher_app. */
  connectionString: string;
  /** Connections at most. */
  poolSize?: number;
}

/**
 * The only door from the REST side to tenant data. The client behind it is private, so no repository can
 * run a query outside {@link TenantDatabase.within}; and if one could, row-level security would refuse it.
 */
export class TenantDatabase {
  readonly #client: PrismaClient;

  constructor(options: TenantDatabaseOptions) {
    const pool = new ProvenPool({
      connectionString: options.connectionString,
      max: options.poolSize ?? 10,
      application_name: 'raypher-api',
      connectionTimeoutMillis: 5_000,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      // Longer than any of ours takes: for the locks of a process that is gone without a word.
      idle_in_transaction_session_timeout: 30_000,
      keepAlive: true,
    });
    const adapter = new PrismaPg(pool, { disposeExternalPool: true });
    this.#client = new PrismaClient({ adapter, errorFormat: 'minimal' });
  }

  /**
   * Runs work in one transaction scoped to an organisation; it commits when the work resolves.
   *
   * @throws what the work throws, after rolling back.
   */
  async within<T>(organisationId: string, work: (tx: TenantTransaction) => Promise<T>): Promise<T> {
    const scope = OrganisationId.parse(organisationId);
    const span = currentSpan().child('postgres.transaction', {
      'db.system.name': 'postgresql',
      'db.operation.name': 'TRANSACTION',
    });
    try {
      return await this.#client.$transaction(
        async (tx) => {
          // Transaction-local: the connection goes back to the pool without a scope.
          await tx.$executeRaw`SELECT set_config('raypher.organisation', ${scope}, true)`;
          return spanWithin(span, () => work(tx));
        },
        { maxWait: 5_000, timeout: 20_000 },
      );
    } finally {
      span.end();
    }
  }

  async close(): Promise<void> {
    await this.#client.$disconnect();
  }
}
