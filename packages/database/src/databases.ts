import pg from 'pg';
import { DATABASE_ROLES, type DatabaseRole, type RolePasswords } from './roles.ts';

/**
 * Creates a database that belongs to the owner role and lets only our roles in.
 *
 * @param template - copy this database; nobody may be connected to it at that moment.
 */
export async function createDatabase(adminUrl: string, name: string, template = 'template0'): Promise<void> {
  await asAdmin(adminUrl, async (client) => {
    const database = client.escapeIdentifier(name);
    const owner = client.escapeIdentifier(DATABASE_ROLES.owner);
    await client.query(
      `CREATE DATABASE ${database} OWNER ${owner} TEMPLATE ${client.escapeIdentifier(template)}`,
    );
    const roles = Object.values(DATABASE_ROLES).map((role) => client.escapeIdentifier(role));
    await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
    await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${roles.join(', ')}`);
  });
}

/** Whether the server has a database of that name. */
export async function databaseExists(adminUrl: string, name: string): Promise<boolean> {
  return asAdmin(adminUrl, async (client) => {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    return found.rowCount === 1;
  });
}

/** Drops a database and ends the connections to it. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await asAdmin(adminUrl, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`),
  );
}

/** Connection URLs for each role to one database of the server at `host:port`. */
export function roleUrls(
  server: { host: string; port: number },
  database: string,
  passwords: RolePasswords,
): Record<DatabaseRole, string> {
  const url = (role: DatabaseRole) =>
    `postgres://${DATABASE_ROLES[role]}:${encodeURIComponent(passwords[role])}@${server.host}:${server.port}/${database}`;
  return { owner: url('owner'), app: url('app'), ingest: url('ingest'), auth: url('auth') };
}

async function asAdmin<T>(adminUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
