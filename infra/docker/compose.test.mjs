import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSecrets } from './create-secrets.mjs';
import { COMPOSE_FILE, composeConfig } from './testing/compose-config.mjs';

/** @type {Awaited<ReturnType<typeof composeConfig>>} */
let config;
/** @type {string} */
let folder;

beforeAll(async () => {
  config = await composeConfig();
  folder = await mkdtemp(join(tmpdir(), 'raypher-compose-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** @param {(text: string) => string} change */
async function changed(change) {
  const file = join(folder, 'compose.yaml');
  const text = await readFile(COMPOSE_FILE, 'utf8');
  const other = change(text);
  expect(other).not.toBe(text);
  await writeFile(file, other);
  return composeConfig(file);
}

const services = () => Object.entries(config.services);
/** What is ours, as opposed to the servers that hold data and the proxy. */
const ours = () => services().filter(([name]) => !['postgres', 'redis', 'proxy'].includes(name));

describe('compose.yaml', () => {
  it('is understood by docker-compose', () => {
    expect(Object.keys(config.services).sort()).toEqual(
      ['api', 'front', 'link', 'migrate', 'postgres', 'proxy', 'redis', 'setup', 'web'].sort(),
    );
  });

  it('is refused with a misspelt field', async () => {
    await expect(changed((text) => text.replace('read_only: true', 'readonly: true'))).rejects.toThrow(
      'readonly',
    );
  });

  it('is refused without the name of the host', async () => {
    await expect(composeConfig(COMPOSE_FILE, {})).rejects.toThrow('the name that devices and browsers reach');
  });

  it('opens 443, enrolment and the link, and nothing else', () => {
    const ports = services().flatMap(([, { ports = [] }]) => ports);
    expect(ports.map(({ published }) => published)).toEqual([443, 8443, 8444]);
    for (const name of ['postgres', 'redis', 'link', 'migrate', 'setup']) {
      expect(Object.keys(config.services[name]?.networks ?? {}), name).toEqual(['inside']);
    }
    expect(config).toMatchObject({ networks: { inside: { internal: true } } });
  });

  it('runs what is ours without root, capabilities or a file system it can write to', () => {
    for (const [name, service] of ours()) {
      expect(service, name).toMatchObject({
        user: '10001:10001',
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    }
    for (const [name, { privileged = false, deploy }] of services()) {
      expect(privileged, name).toBe(false);
      expect(deploy?.resources?.limits?.memory, name).toBeDefined();
    }
  });

  it('gives the link neither the master key nor a database role that could read events, members or keys', () => {
    const names = (config.services.link?.secrets ?? []).map((secret) =>
      typeof secret === 'string' ? secret : secret.source,
    );
    expect(names.sort()).toEqual(['database-ingest-url', 'redis-url']);
    expect(config.services.web?.secrets ?? []).toEqual([]);
  });

  it('holds no secret, and names only secrets that are created', async () => {
    const secrets = join(folder, 'secrets');
    const created = await createSecrets(secrets, { email: 'admin@example.test' });
    expect(Object.keys(config.secrets).sort()).toEqual(created.toSorted());
    const text = await readFile(COMPOSE_FILE, 'utf8');
    expect(text).not.toMatch(/postgres:\/\/|redis:\/\/|PASSWORD:/);
  });
});

describe('the secrets', () => {
  it('stay as they are when they are created again, and what is missing is added', async () => {
    const secrets = join(folder, 'again');
    await createSecrets(secrets, { email: 'admin@example.test' });
    const before = await readFile(join(secrets, 'master-key'), 'utf8');
    await rm(join(secrets, 'auth-secret'));
    expect(await createSecrets(secrets, { email: 'other@example.test' })).toEqual(['auth-secret']);
    expect(await readFile(join(secrets, 'master-key'), 'utf8')).toBe(before);
  });

  it('belong together: the URLs hold the passwords that the servers get', async () => {
    const secrets = join(folder, 'together');
    await createSecrets(secrets, { email: 'admin@example.test' });
    const read = (/** @type {string} */ name) => readFile(join(secrets, name), 'utf8');
    expect(new URL(await read('database-admin-url')).password).toBe(await read('postgres-password'));
    expect(await read('redis.conf')).toContain(`requirepass ${new URL(await read('redis-url')).password}\n`);
  });
});
