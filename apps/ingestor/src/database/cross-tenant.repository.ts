import type pg from 'pg';
import type { OutboxTopic } from '../outbox/outbox-topic.ts';
import { ANSWER_TIMEOUT_MS } from './patience.ts';
import { poolNumbers } from './pool-numbers.ts';
import { ProvenPool } from './proven-pool.ts';

export interface Membership {
  organisationId: string;
  organisationName: string;
  role: string;
  teamId: string | null;
}

export interface ResolvedApiToken {
  id: string;
  organisationId: string;
  organisationName: string;
  name: string;
  scopes: string[];
  expiresAt: Date | null;
  revokedAt: Date | null;
}

export interface WaitingMessage {
  id: string;
  organisationId: string;
  topic: OutboxTopic;
  message: unknown;
}

/**
 * The look-ups that start before an organisation is known. Each is a SECURITY DEFINER function of the
 * database and takes something unguessable or already authenticated; there is no other way across tenants.
 */
export class CrossTenantRepository {
  readonly #pool: pg.Pool;

  /** @param connectionString as raypher_app. */
  constructor(connectionString: string) {
    this.#pool = new ProvenPool({
      connectionString,
      max: 4,
      application_name: 'raypher-api-resolve',
      connectionTimeoutMillis: 5_000,
      statement_timeout: 10_000,
      query_timeout: ANSWER_TIMEOUT_MS,
    });
    // An idle connection that dies (database restart) is replaced by the pool; without a listener it would end us.
    this.#pool.on('error', () => undefined);
  }

  async memberships(userId: string): Promise<Membership[]> {
    const { rows } = await this.#pool.query<Membership>({
      name: 'memberships',
      text: `SELECT organisation_id AS "organisationId", organisation_name AS "organisationName", role, team_id AS "teamId"
        FROM resolve_memberships($1)`,
      values: [userId],
    });
    return rows;
  }

  async apiToken(secretHash: Buffer): Promise<ResolvedApiToken | undefined> {
    const { rows } = await this.#pool.query<ResolvedApiToken>({
      name: 'api-token',
      text: `SELECT id, organisation_id AS "organisationId", organisation_name AS "organisationName",
        name, scopes, expires_at AS "expiresAt", revoked_at AS "revokedAt"
        FROM resolve_api_token($1)`,
      values: [secretHash],
    });
    return rows[0];
  }

  /** The organisation of an enrolment token, by the id that is part of the token. */
  async enrolmentTokenOrganisation(id: string): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ organisationId: string | null }>({
      name: 'enrolment-token',
      text: 'SELECT resolve_enrolment_token($1) AS "organisationId"',
      values: [id],
    });
    return rows[0]?.organisationId ?? undefined;
  }

  async organisationIds(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ id: string }>('SELECT organisation_ids() AS id');
    return rows.map((row) => row.id);
  }

  /** Oldest first. */
  async waitingOutbox(most: number): Promise<WaitingMessage[]> {
    const { rows } = await this.#pool.query<WaitingMessage>(
      `SELECT id::text, organisation_id AS "organisationId", topic, message FROM waiting_outbox($1)`,
      [most],
    );
    return rows;
  }

  async markOutboxPublished(ids: string[]): Promise<void> {
    await this.#pool.query('SELECT mark_outbox_published($1::bigint[])', [ids]);
  }

  /** Organisations with something that has no place in their log yet. */
  async waitingForLog(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ id: string }>('SELECT waiting_for_log() AS id');
    return rows.map((row) => row.id);
  }

  /** Organisations whose log has grown since it was signed last. */
  async unsignedLogs(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ id: string }>('SELECT unsigned_logs() AS id');
    return rows.map((row) => row.id);
  }

  /** How far every destination of exports is behind. */
  async exportLags(): Promise<{ destination: string; entries: number; seconds: number }[]> {
    const { rows } = await this.#pool.query<{ destination: string; entries: number; seconds: number }>({
      name: 'export-lags',
      text: 'SELECT destination_id AS destination, entries::float8, seconds FROM export_lags()',
    });
    return rows;
  }

  /** Destinations of exports that have something to be sent and that nobody sends to; at most that many. */
  async waitingExports(most: number): Promise<{ organisationId: string; destinationId: string }[]> {
    const { rows } = await this.#pool.query<{ organisationId: string; destinationId: string }>({
      name: 'waiting-exports',
      text: `SELECT organisation_id AS "organisationId", destination_id AS "destinationId" FROM waiting_exports($1)`,
      values: [most],
    });
    return rows;
  }

  /** Creates the events partition of that day when it is missing. */
  async ensureEventPartition(day: string): Promise<void> {
    await this.#pool.query('SELECT ensure_event_partition($1::date)', [day]);
  }

  get connections(): { total: number; idle: number; waiting: number } {
    return poolNumbers(this.#pool);
  }

  /** Days (YYYY-MM-DD) whose events are in the database, oldest first. */
  async eventLeafDays(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ day: string }>('SELECT event_leaf_days()::text AS day');
    return rows.map(({ day }) => day);
  }

  /** Drops the events of a day, of all organisations; or why they stay. The database decides. */
  async dropEventLeaf(day: string): Promise<{ dropped: number } | { stays: string }> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      // All of the day is read to see whether it may go.
      await client.query(`SET LOCAL statement_timeout = '15min'`);
      const { rows } = await client.query<{ stays: string | null }>(
        'SELECT why_event_leaf_stays($1::date) AS stays',
        [day],
      );
      const stays = rows[0]?.stays ?? undefined;
      if (stays !== undefined) {
        await client.query('ROLLBACK');
        return { stays };
      }
      const dropped = await client.query<{ count: string }>('SELECT drop_event_leaf($1::date) AS count', [
        day,
      ]);
      await client.query('COMMIT');
      return { dropped: Number(dropped.rows[0]?.count ?? 0) };
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  async ping(): Promise<void> {
    await this.#pool.query('SELECT 1');
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
