import { existsSync } from 'node:fs';
import { mkdtemp, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from './start-postgres.ts';

const started: PostgresServer[] = [];

async function start(options: Parameters<typeof startPostgres>[0] = {}): Promise<PostgresServer> {
  const server = await startPostgres({ fsync: false, ...options });
  started.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  // A server that is killed under the client is what some of these tests are about.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

describe('an embedded Postgres', () => {
  it('listens on loopback alone and lets nobody in without the password', async () => {
    const server = await start();
    const [settings] = await query(
      server.adminUrl(),
      `SELECT current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets`,
    );
    expect(settings).toEqual({ addresses: '127.0.0.1', sockets: '' });
    await expect(
      query(`postgres://postgres:wrong@127.0.0.1:${server.port}/postgres`, 'SELECT 1'),
    ).rejects.toThrow(/password authentication failed/);
    const [user] = await query(
      server.adminUrl(),
      `SELECT rolpassword LIKE 'SCRAM-SHA-256$%' AS scram FROM pg_authid WHERE rolname = 'postgres'`,
    );
    expect(user).toEqual({ scram: true });
  });

  it('shows no password in its arguments and keeps its folder to itself', async () => {
    const server = await start({ password: 'correct-horse' });
    expect(await readFile(`/proc/${server.pid}/cmdline`, 'utf8')).not.toContain('correct-horse');
    expect((await stat(server.dataDir)).mode & 0o077).toBe(0);
  });

  it('keeps committed data through a kill -9 and a restart on the same port', async () => {
    const server = await start({ fsync: true });
    await query(server.adminUrl(), 'CREATE TABLE kept AS SELECT 42 AS answer');
    const { pid } = server;
    server.kill('SIGKILL');
    expect((await server.exited).signal).toBe('SIGKILL');
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect(await query(server.adminUrl(), 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('takes over data that a forgotten server still holds', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'raypher-left-over-'));
    const first = await start({ dataDir, password: 'one', persistent: true });
    const second = await start({ dataDir, password: 'one', persistent: false });
    expect((await first.exited).code).toBe(0);
    expect(await query(second.adminUrl(), 'SELECT 1 AS up')).toEqual([{ up: 1 }]);
  });

  it('removes a temporary cluster when stopped', async () => {
    const server = await start();
    await server.stop();
    expect(existsSync(server.dataDir)).toBe(false);
  });

  it('says in its own words why it did not start', async () => {
    const server = await start();
    await expect(start({ port: server.port })).rejects.toThrow(/Address already in use/);
  });
});
