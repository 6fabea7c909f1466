import { databaseExists } from '@raypher/database';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { createTestDatabase } from './create-test-database.ts';

async function one(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows[0]?.[0];
  } finally {
    await client.end();
  }
}

describe('a test database', () => {
  it('is migrated, and every role can log in as itself only', async () => {
    await using database = await createTestDatabase();
    expect(await one(database.urls.owner, 'SELECT count(*)::int FROM _prisma_migrations')).toBeGreaterThan(0);
    for (const [role, url] of Object.entries(database.urls)) {
      expect(await one(url, 'SELECT current_user')).toBe(`raypher_${role}`);
      expect(
        await one(
          url,
          'SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user',
        ),
      ).toBe(false);
    }
  });

  it('does not share what is written with another one', async () => {
    await using first = await createTestDatabase();
    await using second = await createTestDatabase();
    await one(first.adminUrl, 'CREATE TABLE mine (id int)');
    expect(await one(second.adminUrl, `SELECT to_regclass('mine')`)).toBeNull();
  });

  it('is gone when dropped, even while somebody is connected', async () => {
    const database = await createTestDatabase();
    const client = new pg.Client({ connectionString: database.urls.app });
    // The server says that it ends the connection, then the socket closes: two errors.
    const ended = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    await database.drop();
    await ended;
    expect(await databaseExists(inject('services').postgres.adminUrl, database.name)).toBe(false);
  });
});
