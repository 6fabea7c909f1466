import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { Stage, until } from '../response/spawned.test-support.ts';
import { TestService } from '../testing/test-service.ts';

vi.setConfig({ testTimeout: 60_000 });

const uid = process.getuid?.() ?? 0;
let service: TestService;
let stage: Stage;

/** An AI agent with the provider's own client. Prints the status and the code that this client understood. */
const AGENT = `import OpenAI from '${import.meta.resolve('openai')}';
const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'any', maxRetries: 0 });
try {
  await client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hello' }] });
  console.log(JSON.stringify({ status: 200 }));
} catch (error) {
  const { status, code, message } = error;
  console.log(JSON.stringify({ status, code, message, name: error.constructor.name }));
}
`;

beforeAll(async () => {
  stage = new Stage();
  service = await TestService.prepare();
  service.config = { ...service.config, proxyCallers: 'allow-list' };
  await service.start();
  stage.write('agent.mjs', AGENT);
  stage.write('other.mjs', `${AGENT}// not what was allowed`);
  const writtenAt = Date.now();
  await until('the scripts are older than what is started', () => Date.now() > writtenAt + 100);
});
afterAll(async () => {
  await service.stop();
  await stage.end();
});

async function run(script: string, env: Record<string, string> = {}): Promise<unknown> {
  const address = `http://127.0.0.1:${service.running?.proxyPort()}/v1`;
  const child = spawn(process.execPath, [script, address], {
    cwd: stage.directory,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(await text(child.stdout));
}

it('an allowed script reaches the model with the official client; others are told what to do, and recorded', async () => {
  const path = process.execPath;
  const script = `${stage.directory}/agent.mjs`;
  const refused = {
    status: 403,
    code: 'caller_not_allowed',
    name: 'PermissionDeniedError',
    message: expect.stringContaining('raypher allow'),
  };
  expect(await run('agent.mjs')).toMatchObject(refused);

  await service.ask({ verb: 'allow', path, script, uid, by: 'test' });
  expect(await run('agent.mjs')).toEqual({ status: 200 });
  expect(await run('other.mjs')).toMatchObject(refused);
  expect(await run('agent.mjs', { NODE_OPTIONS: '--require /dev/null' })).toMatchObject({
    status: 403,
    message: expect.stringContaining('NODE_OPTIONS'),
  });

  await service.ask({ verb: 'disallow', target: script, by: 'test' });
  expect(await run('agent.mjs')).toMatchObject(refused);

  const entries = await service.logs();
  const types = z
    .array(z.object({ type: z.string() }))
    .parse(entries)
    .map(({ type }) => type);
  expect(types.filter((type) => type.startsWith('caller.'))).toEqual([
    'caller.refused',
    'caller.allowed',
    'caller.refused',
    'caller.refused',
    'caller.disallowed',
    'caller.refused',
  ]);
  expect(entries).toContainEqual(
    expect.objectContaining({
      type: 'caller.refused',
      verdict: expect.objectContaining({ outcome: 'DENY', rule: 'caller-not-allowed', layer: 'builtin' }),
    }),
  );
});

it('a tunnel needs an allowed program too', async () => {
  const client = spawn('curl', [
    '-sS',
    '-x',
    `http://127.0.0.1:${service.running?.proxyPort()}`,
    'https://api.openai.com/',
  ]);
  expect(await text(client.stderr)).toContain('403');
});

it('everybody may call again after a reload without the rule, and the proxy proves itself throughout', async () => {
  expect((await service.status()).posture).toContainEqual(
    expect.objectContaining({ capability: 'network.caller', state: 'enforced' }),
  );
  service.running?.reload({ ...service.config, proxyCallers: 'any' });
  expect(await run('other.mjs')).toEqual({ status: 200 });
});
