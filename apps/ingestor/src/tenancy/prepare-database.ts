import {
  applyMigrations,
  createDatabase,
  DATABASE_ROLES,
  type DatabaseRole,
  databaseExists,
  prepareRoles,
  type RolePasswords,
} from '@raypher/database';
import { RaypherError } from '@raypher/shared';
import { z } from 'zod';
import { readSecret } from '../config/config.ts';

const path = z.string().min(1);

const Environment = z.object({
  /** As `raypher_owner`, which owns the schema. No process that serves requests has it. */
  RAYPHER_OWNER_DATABASE_URL_FILE: path,
  /** A superuser's, to make the roles and the database; left out where somebody else has made them. */
  RAYPHER_ADMIN_DATABASE_URL_FILE: path.optional(),
  RAYPHER_DATABASE_URL_FILE: path.optional(),
  RAYPHER_AUTH_DATABASE_URL_FILE: path.optional(),
  RAYPHER_INGEST_DATABASE_URL_FILE: path.optional(),
});

/** Which variable names the URL of which role. */
const URL_FILES = {
  owner: 'RAYPHER_OWNER_DATABASE_URL_FILE',
  app: 'RAYPHER_DATABASE_URL_FILE',
  auth: 'RAYPHER_AUTH_DATABASE_URL_FILE',
  ingest: 'RAYPHER_INGEST_DATABASE_URL_FILE',
} as const satisfies Record<DatabaseRole, keyof z.infer<typeof Environment>>;

/**
 * Brings the database to this version: with a superuser's URL first the roles, with the passwords that are in the URLs
 * of the programs, and the database; then what migrations are missing. Running it again changes nothing; two at the same
 * time wait for each other.
 *
 * @returns the names of the migrations that were applied now.
 * @throws RaypherError `config/invalid`, `database/migration-*`
 */
export async function prepareDatabase(environment: NodeJS.ProcessEnv): Promise<{ applied: string[] }> {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new RaypherError('config/invalid', `The environment is incomplete: ${wrong.join('; ')}.`);
  }
  const files = parsed.data;
  const ownerUrl = readSecret(URL_FILES.owner, files.RAYPHER_OWNER_DATABASE_URL_FILE);
  if (files.RAYPHER_ADMIN_DATABASE_URL_FILE !== undefined) {
    const adminUrl = readSecret('RAYPHER_ADMIN_DATABASE_URL_FILE', files.RAYPHER_ADMIN_DATABASE_URL_FILE);
    await prepareRoles(adminUrl, {
      owner: passwordOf('owner', files),
      app: passwordOf('app', files),
      auth: passwordOf('auth', files),
      ingest: passwordOf('ingest', files),
    } satisfies RolePasswords);
    const name = new URL(ownerUrl).pathname.slice(1);
    if (!(await databaseExists(adminUrl, name))) await createDatabase(adminUrl, name);
  }
  return { applied: await applyMigrations(ownerUrl) };
}

function passwordOf(role: DatabaseRole, files: z.infer<typeof Environment>): string {
  const variable = URL_FILES[role];
  const file = files[variable];
  if (file === undefined) {
    throw new RaypherError('config/invalid', `${variable} is not set, so ${role} would have no password.`);
  }
  const { username, password } = parseUrl(variable, readSecret(variable, file));
  if (username !== DATABASE_ROLES[role] || password === '') {
    throw new RaypherError(
      'config/invalid',
      `The URL in ${variable} must be that of ${DATABASE_ROLES[role]}.`,
      {
        hint: `postgres://${DATABASE_ROLES[role]}:PASSWORD@HOST:5432/DATABASE`,
      },
    );
  }
  return decodeURIComponent(password);
}

function parseUrl(variable: string, text: string): URL {
  try {
    return new URL(text);
  } catch {
    // The text holds a password: it is not repeated.
    throw new RaypherError('config/invalid', `The file that ${variable} names does not hold a URL.`);
  }
}
