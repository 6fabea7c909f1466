import pg from 'pg';
import type { OutboxTopic } from '../outbox/outbox-topic.ts';

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
    this.#pool = new pg.Pool({
      connectionString,
      max: 4,
      application_name: 'raypher-api-resolve',
      connectionTimeoutMillis: 5_000,
      statement_timeout: 10_000,
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

  /** Creates the events partition of that day when it is missing. */
  async ensureEventPartition(day: string): Promise<void> {
    await this.#pool.query('SELECT ensure_event_partition($1::date)', [day]);
  }

  async ping(): Promise<void> {
    await this.#pool.query('SELECT 1');
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
