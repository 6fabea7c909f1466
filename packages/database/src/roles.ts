import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import pg from 'pg';

/** Who talks to the database, and as what. Each program gets the one role it needs. */
export const DATABASE_ROLES = {
  /** Owns the schema; only migrations log in as it. */
  owner: 'raypher_owner',
  /** The ingestor's ordinary work, under row-level security. */
  app: 'raypher_app',
  /** Appends events; cannot change them. */
  ingest: 'raypher_ingest',
  /** Sessions and credentials of administrators. */
  auth: 'raypher_auth',
} as const;

export type DatabaseRole = keyof typeof DATABASE_ROLES;
export type RolePasswords = Record<DatabaseRole, string>;

/** A fresh random password for every role. */
export function randomRolePasswords(): RolePasswords {
  const password = () => randomBytes(24).toString('base64url');
  return { owner: password(), app: password(), ingest: password(), auth: password() };
}

/**
 * Creates the roles, or sets their passwords and limits when they exist. Run it as a superuser, before migrations.
 *
 * The server receives SCRAM verifiers (RFC 5803), so no password shows up in its logs or statistics.
 */
export async function prepareRoles(adminUrl: string, passwords: RolePasswords): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    for (const role of Object.keys(DATABASE_ROLES) as DatabaseRole[]) {
      const name = client.escapeIdentifier(DATABASE_ROLES[role]);
      const known = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [DATABASE_ROLES[role]]);
      const verifier = client.escapeLiteral(scramVerifier(passwords[role]));
      await client.query(
        `${known.rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${name}
           LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${verifier}`,
      );
    }
  } finally {
    await client.end();
  }
}

/** What Postgres stores for a SCRAM-SHA-256 password: RFC 5802 §3 with the format of RFC 5803. */
function scramVerifier(password: string, salt = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
