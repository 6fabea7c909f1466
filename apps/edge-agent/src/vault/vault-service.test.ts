import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID, verify, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { canonicalBytes } from '@raypher/ledger';
import type { CommandVerb } from '@raypher/shared';
import { sealSecret } from '@raypher/vault';
import OpenAI from 'openai';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadEnrolment } from '../identity/enrolment.ts';
import { TestService } from '../testing/test-service.ts';

/** Starting processes takes long on a busy machine. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

const MAIN = new URL('../cli/main.ts', import.meta.url).pathname;
/** Put together here so that it is no key anywhere. */
const KEY = ['sk', 'vault', 'z'.repeat(30)].join('-');

let agent: TestService;
let service: ChildProcess | undefined;
let output = '';
beforeEach(async () => {
  agent = await TestService.prepare();
  output = '';
});
afterEach(async () => {
  service?.kill('SIGKILL');
  service = undefined;
  await agent.stop();
});

function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: agent.config.dataDir, RAYPHER_IDENTITY_KEY: 'software' };
}

async function raypher(
  args: string[],
  input = '',
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args, '--data-dir', agent.config.dataDir], {
    env: environment(),
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

/** A service of its own process, under a shell that allows core dumps. @returns the port of its proxy */
async function startProcess(config: string): Promise<number> {
  const args = ['service', '--proxy-port', '0', '--data-dir', agent.config.dataDir, '--config', config];
  const started = spawn(
    '/bin/sh',
    ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', process.execPath, MAIN, ...args],
    {
      env: { ...environment(), OPENAI_API_KEY: 'inherited' },
      cwd: agent.config.dataDir,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  service = started;
  started.stderr.on('data', (chunk) => {
    output += chunk;
  });
  for await (const line of createInterface({ input: started.stdout })) {
    output += line;
    const { port } = JSON.parse(line);
    if (typeof port !== 'number') continue;
    started.stdout.on('data', (chunk) => {
      output += chunk;
    });
    started.stdout.resume();
    return port;
  }
  throw new Error(`the service did not start: ${output}`);
}

test('sealed over the command line, a key is in no file, log, argument or environment of the agent', async () => {
  await agent.enrol();
  const config = join(agent.config.dataDir, 'test.toml');
  writeFileSync(
    config,
    `[proxy.connect_to]\n"api.openai.com" = "${agent.upstream.url}"\n[log]\nlevel = "debug"\n`,
  );
  // Without a service first: the agent is opened under its lock.
  const sealed = await raypher(['seal', 'openai', '--provider', 'openai'], `${KEY}\n`);
  expect(sealed).toMatchObject({ code: 0, stderr: '' });

  const port = await startProcess(config);
  const client = new OpenAI({
    baseURL: `http://127.0.0.1:${port}/openai/v1`,
    apiKey: 'raypher',
    maxRetries: 0,
  });
  const ask = () =>
    client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] });
  // The device has no policy, so nothing passes; the word for that is the policy's and not the vault's.
  await expect(ask()).rejects.toThrow();
  expect(agent.upstream.requests).toEqual([]);

  expect((await raypher(['vault', 'list'])).stdout).toMatch(/openai +openai +1 /);
  const refused = await raypher(['unseal', 'openai']);
  expect(refused).toMatchObject({ code: 3, stdout: '' });
  expect((await raypher(['unseal', 'openai', '--force'])).stdout).toBe(KEY);
  expect((await raypher(['logs'])).stdout).toMatch(/warning .*: unseal openai/);

  const pid = service?.pid;
  const haystacks = [
    output,
    ...['environ', 'cmdline'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1')),
  ];
  haystacks.push(...filesOf(agent.config.dataDir));
  expect(haystacks.length).toBeGreaterThan(6);
  for (const text of haystacks) expect(text.includes(KEY.slice(4, 24))).toBe(false);
});

test('a key in the arguments is refused, and not repeated', async () => {
  await agent.enrol();
  const { code, stdout, stderr } = await raypher(['seal', 'openai', '--provider', 'openai', KEY]);
  expect(code).toBe(2);
  expect(stderr).toContain('every account of this machine');
  expect(stdout + stderr).not.toContain(KEY);
});

test.each([
  ['nothing', '', 'No value'],
  ['too much', 'x'.repeat(9000), 'at most 8192 bytes'],
  ['two lines', 'one\ntwo\n', 'visible ASCII'],
])('%s on standard input is refused', async (_, input, why) => {
  await agent.enrol();
  const { code, stderr } = await raypher(['seal', 'openai', '--provider', 'openai'], input);
  expect(code).toBeGreaterThan(0);
  expect(stderr).toContain(why);
});

test('a service that crashes leaves no core, and opens no inspector', async () => {
  await agent.enrol();
  const config = join(agent.config.dataDir, 'test.toml');
  writeFileSync(config, '');
  await startProcess(config);
  const running = service;
  expect(readFileSync(`/proc/${running?.pid}/limits`, 'utf8')).toMatch(/Max core file size +0 +0 /);
  // SIGUSR1 would open the inspector of Node.
  running?.kill('SIGUSR1');
  expect((await raypher(['status'])).code).toBe(0);
  expect(output).not.toContain('Debugger');
  running?.kill('SIGABRT');
  await once(running as ChildProcess, 'exit');
  const cores = () => readdirSync(agent.config.dataDir).filter((name) => name.startsWith('core'));
  expect(cores()).toEqual([]);

  // The same without the agent's care: where this machine writes cores at all, there is one.
  const control = spawn('/bin/sh', ['-c', 'ulimit -c unlimited; kill -ABRT $$'], {
    cwd: agent.config.dataDir,
  });
  await once(control, 'exit');
  if (cores().length === 0) {
    const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
    console.warn(`This machine writes no core file into the working folder (core_pattern: ${pattern}).`);
  }
});

test('the announced key is signed by the device, and what is pushed for it is stored', async () => {
  const greeted = agent.plane.hello();
  await agent.enrol();
  await agent.start();
  const { vaultKey } = await greeted;
  if (vaultKey === undefined) throw new Error('no vault key was announced');
  const enrolment = loadEnrolment(agent.paths.enrolment);
  if (enrolment === undefined) throw new Error('not enrolled');
  const statement = canonicalBytes({
    device: enrolment.device,
    kind: 'vault-key',
    organisation: enrolment.organisation.id,
    publicKey: vaultKey.publicKey.toString('base64url'),
  });
  const { publicKey } = new X509Certificate(enrolment.certificate);
  expect(verify('sha256', statement, publicKey, vaultKey.signature)).toBe(true);

  const binding = { name: 'pushed', provider: 'openai' };
  const sealed = await sealSecret(vaultKey.publicKey, binding, Buffer.from(KEY));
  const order = (verb: CommandVerb, given: Record<string, string>) =>
    agent.plane.order({
      kind: 'command',
      id: randomUUID(),
      organisation: agent.plane.organisation,
      device: enrolment.device,
      verb,
      arguments: given,
      reason: 'test',
      issuedAt: new Date().toISOString(),
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    });
  const json = JSON.stringify(sealed);
  const put = await order('put-secret', { ...binding, sealed: json });
  expect(put).toMatchObject({ ok: true });
  expect(JSON.parse(put.resultJson)).toMatchObject({ name: 'pushed', version: 1, replaced: false });
  expect(put.resultJson).not.toContain(sealed.ciphertext);
  expect(await order('put-secret', { ...binding, name: 'renamed', sealed: json })).toMatchObject({
    ok: false,
    code: 'vault/damaged',
  });
  const otherKey = JSON.stringify({ ...sealed, keyId: '0'.repeat(16) });
  expect(await order('put-secret', { ...binding, sealed: otherKey })).toMatchObject({
    ok: false,
    code: 'vault/sealed-elsewhere',
  });
  expect(await order('put-secret', { ...binding, sealed: 'no json' })).toMatchObject({
    ok: false,
    code: 'request/invalid',
  });
  expect(JSON.stringify(await agent.logs())).not.toContain(sealed.ciphertext);

  // The official client, in a program that is allowed, and in the same one once it is not.
  await agent.plane.deploy(agent.policy(1, 'enforce', '[]'));
  const script = join(agent.config.dataDir, 'bot.mjs');
  writeFileSync(
    script,
    `const { default: OpenAI } = await import(${JSON.stringify(import.meta.resolve('openai'))});
     const client = new OpenAI({ apiKey: 'raypher', baseURL: process.argv[2], maxRetries: 0 });
     const messages = [{ role: 'user', content: 'hi' }];
     await client.chat.completions.create({ model: 'gpt-4o', messages }).then(
       () => console.log(200),
       (error) => console.log(error.status));`,
  );
  const bot = async (): Promise<string> => {
    const url = `http://127.0.0.1:${agent.running?.proxyPort()}/openai/v1`;
    const child = spawn(process.execPath, [script, url], { stdio: ['ignore', 'pipe', 'inherit'] });
    return (await new Response(Readable.toWeb(child.stdout) as ReadableStream).text()).trim();
  };
  expect(await bot()).toBe('403');
  expect(agent.upstream.requests).toEqual([]);
  await agent.ask({ verb: 'allow', path: process.execPath, script, by: 'test' });
  expect(await bot()).toBe('200');
  expect(agent.upstream.requests.at(-1)?.headers.authorization).toBe(`Bearer ${KEY}`);
  expect(await order('revoke-secret', { name: 'pushed' })).toMatchObject({ ok: true });
  expect(await bot()).toBe('401');
  expect(JSON.stringify(await agent.logs())).not.toContain(KEY);
  for (const text of filesOf(agent.config.dataDir)) expect(text.includes(KEY.slice(4, 24))).toBe(false);
});

/** What the files of a folder hold, byte for byte. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'));
}
