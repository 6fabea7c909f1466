import { spawn } from 'node:child_process';
import { randomUUID, verify, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { canonicalBytes } from '@raypher/ledger';
import type { CommandVerb } from '@raypher/shared';
import { sealSecret } from '@raypher/vault';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadEnrolment } from '../identity/enrolment.ts';
import { AgentProcesses } from '../testing/agent-processes.ts';
import { filesOf } from '../testing/files-of.ts';
import { TestService } from '../testing/test-service.ts';

/** Starting processes takes long on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

/** Put together here so that it is no key anywhere. */
const KEY = ['sk', 'vault', 'z'.repeat(30)].join('-');

let agent: TestService;
let commands: AgentProcesses;
beforeEach(async () => {
  agent = await TestService.prepare();
  commands = new AgentProcesses(agent.config.dataDir, { RAYPHER_IDENTITY_KEY: 'software' });
});
afterEach(async () => {
  await commands.end('SIGKILL');
  await agent.stop();
});

test('a key in the arguments is refused, and not repeated', async () => {
  await agent.enrol();
  const { code, stdout, stderr } = await commands.run(['seal', 'openai', '--provider', 'openai', KEY]);
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
  const { code, stderr } = await commands.run(['seal', 'openai', '--provider', 'openai'], input);
  expect(code).toBeGreaterThan(0);
  expect(stderr).toContain(why);
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
  const order = (verb: CommandVerb, given: Record<string, string>, at = Date.now()) =>
    agent.plane.order({
      kind: 'command',
      id: randomUUID(),
      organisation: agent.plane.organisation,
      device: enrolment.device,
      verb,
      arguments: given,
      reason: 'test',
      issuedAt: new Date(at).toISOString(),
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

  // A value for any API is stored with what it is for, and what it is for is replaced with it.
  const use = { hosts: ['api.example.com'], in: [{ header: 'x-key' }], maxUses: 5 };
  const pushUse = async (sealedFor: object, told: object = sealedFor) => {
    const bound = { name: 'any', provider: 'api', use: sealedFor };
    const value = await sealSecret(vaultKey.publicKey, bound, Buffer.from(KEY));
    return order('put-secret', { ...bound, use: JSON.stringify(told), sealed: JSON.stringify(value) });
  };
  expect(await pushUse(use, { ...use, maxUses: 6 })).toMatchObject({ ok: false, code: 'vault/damaged' });
  expect(await pushUse({ ...use, hosts: ['*'] })).toMatchObject({ ok: false, code: 'request/invalid' });
  expect(await pushUse(use)).toMatchObject({ ok: true });
  expect(await pushUse({ ...use, hosts: ['other.example.com'] })).toMatchObject({ ok: true });
  expect((await commands.run(['vault', 'list'])).stdout).toMatch(
    /any +2 .* 0 of 5 +other\.example\.com, in the header x-key/,
  );

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
  const before = Date.now() - 1;
  expect(await order('revoke-secret', { name: 'pushed' })).toMatchObject({ ok: true });
  expect(await bot()).toBe('401');
  // Held back on the way and handed over now, an order from before the revocation brings nothing back.
  const late = await order('put-secret', { ...binding, sealed: json }, before);
  expect(late).toMatchObject({ ok: false, code: 'bundle/revision-not-monotonic' });
  expect(await bot()).toBe('401');
  expect(JSON.stringify(await agent.logs())).not.toContain(KEY);
  for (const text of filesOf(agent.config.dataDir)) expect(text.includes(KEY.slice(4, 24))).toBe(false);
});
