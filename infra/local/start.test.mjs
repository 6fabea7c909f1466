import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from '@raypher/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findOnPath } from './bootstrap/prerequisites.mjs';
import { ROOT } from './paths.mjs';

/** @type {string} */
let folder;
/** @type {string} */
let dataDir;
/** @type {Start[]} */
const running = [];

/**
 * @typedef {object} Start
 * @property {import('node:child_process').ChildProcess} child
 * @property {() => string} output
 * @property {Promise<number | null>} exited
 * @property {(pattern: RegExp) => Promise<RegExpExecArray>} prints - fails when it ends without printing it.
 */

/**
 * `npm start` as a person would run it, in a terminal's process group of its own.
 *
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Start}
 */
function start(args, env = process.env) {
  const child = spawn(
    process.execPath,
    [join(ROOT, 'infra/local/start.mjs'), '--data-dir', dataDir, '--yes', ...args],
    {
      cwd: folder,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let text = '';
  /** @type {Set<() => void>} */
  const listeners = new Set();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk;
      for (const listener of listeners) listener();
    });
  }
  const exited = once(child, 'close').then(([code]) => code);
  const started = {
    child,
    exited,
    output: () => text,
    prints: (/** @type {RegExp} */ pattern) =>
      /** @type {Promise<RegExpExecArray>} */ (
        new Promise((resolve, reject) => {
          const look = () => {
            const found = pattern.exec(text);
            if (found === null) return;
            listeners.delete(look);
            resolve(found);
          };
          listeners.add(look);
          exited.then(() => reject(new Error(`It ended without printing ${pattern}:\n${text}`)));
          look();
        })
      ),
  };
  running.push(started);
  return started;
}

/** Every process whose arguments or environment name our data folder, except those of the tests. */
function processesOnData() {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const environment = readFileSync(`/proc/${name}/environ`, 'utf8');
      return command.includes(dataDir) || environment.includes(dataDir)
        ? [{ pid: Number(name), command, environment }]
        : [];
    } catch {
      return [];
    }
  });
}

/** Who was killed is there for a moment more. */
const expectNobodyOnData = () => expect.poll(processesOnData).toEqual([]);

/** @param {Start} started */
async function interrupt(started) {
  // A terminal's Ctrl-C reaches the whole foreground group.
  process.kill(-(started.child.pid ?? 0), 'SIGINT');
  return started.exited;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'raypher-start-'));
  // Where root runs this, the database has an account of its own, which must get to its data.
  await chmod(folder, 0o711);
  dataDir = join(folder, 'data');
});
afterEach(async () => {
  for (const started of running.splice(0)) {
    if (started.child.exitCode === null && started.child.signalCode === null) await interrupt(started);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('npm start', () => {
  it('brings everything up, heals what dies, and leaves nothing behind after Ctrl-C', async () => {
    const port = await freePort();
    const started = start(['--port', String(port)]);
    const [, password = ''] = await started.prints(/password {5}(\S+)/);
    await started.prints(/Ctrl-C stops everything/);
    expect((await fetch(`http://localhost:${port}/`)).status).toBeLessThan(400);

    // A second one on the same data is refused while this one runs.
    const second = start([]);
    expect(await second.exited).toBe(5);
    expect(second.output()).toMatch(/Raypher runs already on this data folder \(process \d+\)/);

    // No secret is in anybody's arguments or environment.
    const master = (await readFile(join(dataDir, 'secrets', 'master-key'))).toString('base64');
    const databasePassword = await readFile(join(dataDir, 'secrets', 'database-app-password'), 'utf8');
    for (const { command, environment } of processesOnData()) {
      for (const secret of [password, master, databasePassword]) {
        expect(command).not.toContain(secret);
        expect(environment).not.toContain(secret);
      }
    }
    expect((await stat(join(dataDir, 'secrets'))).mode & 0o077).toBe(0);

    // The process that devices talk to does not even know where the master key is.
    const link = processesOnData().find(({ environment }) => environment.includes('RAYPHER_ROLE=link'));
    expect(link?.environment).not.toContain('RAYPHER_MASTER_KEY_FILE');

    process.kill(link?.pid ?? 0, 'SIGKILL');
    await started.prints(/link ended \(SIGKILL\); starting it again/);
    await started.prints(/link is back/);

    expect(await interrupt(started)).toBe(0);
    expect(started.output()).toMatch(/Stopped in .* The data is kept/);
    await expectNobodyOnData();
  });

  it('keeps the data, the secrets and the ports, and does not show the password again', async () => {
    const key = await readFile(join(dataDir, 'secrets', 'master-key'));
    const { ports } = JSON.parse(await readFile(join(dataDir, 'settings.json'), 'utf8'));
    const started = start([]);
    await started.prints(/Ctrl-C stops everything/);
    expect(started.output()).toContain('the password was shown at the first start');
    expect(started.output()).not.toMatch(/Enrolling this machine/);
    expect(await readFile(join(dataDir, 'secrets', 'master-key'))).toEqual(key);
    expect(JSON.parse(await readFile(join(dataDir, 'settings.json'), 'utf8')).ports).toEqual(ports);
    expect(await interrupt(started)).toBe(0);
  });

  it('stops at once, and cleanly, when it is interrupted while starting', async () => {
    const started = start(['--no-agent']);
    await started.prints(/✓ Schema and roles/);
    expect(await interrupt(started)).toBe(130);
    await expectNobodyOnData();
  });

  it('does not take another port than the one that was asked for', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const started = start(['--port', String(port)]);
    expect(await started.exited).toBe(5);
    expect(started.output()).toContain(`Port ${port} for the dashboard is used by another program.`);
    server.close();
  });

  it('says that a data folder cannot be used', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    const started = start(['--data-dir', file]);
    expect(await started.exited).toBe(3);
    expect(started.output()).toContain(`The data folder ${file} cannot be used (EEXIST).`);
    expect(started.output()).not.toMatch(/^\s+at /m);
  });

  it('says exactly what to install when Redis is missing and we may not install it', async () => {
    const path = join(folder, 'path');
    await mkdir(path);
    for (const command of ['node', 'npm', 'sh', 'env'])
      await symlink(findOnPath(command) ?? '', join(path, command));
    const started = start([], { ...process.env, PATH: `${path}:${dirname(process.execPath)}` });
    expect(await started.exited).toBe(1);
    expect(started.output()).toContain('redis-server is missing. Needed for presence');
    expect(started.output()).toContain('Run: sudo apt-get install --no-install-recommends redis-server');
  });
});
