import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { LedgerEntry } from '@raypher/shared';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { MAIN, TEST_ENVIRONMENT } from '../testing/command-line.ts';
import { TestService } from '../testing/test-service.ts';

/** Starting a process takes long on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });
const SLOW = { timeout: 20_000 };

const Open = z.array(z.object({ id: z.uuid(), costMicros: z.number().optional() }));
let service: TestService;

beforeAll(async () => {
  service = await TestService.prepare();
  await service.join();
  await service.plane.deploy(service.policy(1, 'enforce', '[]'));
  service.upstream.behave({ chunkDelayMs: 50, chunkCharacters: 1 });
});
afterAll(() => service.stop());

async function raypher(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const all = [MAIN, ...args, '--data-dir', service.config.dataDir];
  return promisify(execFile)(process.execPath, all, { env: { ...process.env, ...TEST_ENVIRONMENT } }).then(
    (done) => ({ code: 0, ...done }),
    (error) => error,
  );
}

/** A call that takes its time. @returns what its client got in the end */
async function stream(): Promise<unknown> {
  const client = new OpenAI({
    baseURL: `http://127.0.0.1:${service.running?.proxyPort()}/openai/v1`,
    apiKey: 'any',
    maxRetries: 0,
  });
  try {
    const answer = await client.chat.completions.create({
      model: 'gpt-4o',
      stream: true,
      messages: [{ role: 'user', content: 'a long answer '.repeat(100) }],
    });
    let text = '';
    for await (const { choices } of answer) text += choices[0]?.delta.content ?? '';
    return text;
  } catch (error) {
    return error;
  }
}

/** What the ledger says about how a connection was cut. */
async function cutOf(connection: string | undefined): Promise<LedgerEntry | undefined> {
  const entries = (await service.logs()).map((entry) => LedgerEntry.parse(entry));
  return entries.find(({ type, data }) => type === 'connection.cut' && data.connection === connection);
}

test('what goes through the proxy is listed, and cut by the beginning of its id', async () => {
  const ended = stream();
  const listed = async () => Open.parse(await service.ask({ verb: 'connections' }));
  await expect.poll(async () => (await listed())[0]?.costMicros, SLOW).toBeGreaterThan(0);
  const [open] = await listed();
  const { stdout } = await raypher('connections');
  expect(stdout).toContain(open?.id.slice(0, 8));
  expect(stdout).toContain('api.openai.com/v1/chat/completions');
  expect(stdout).toContain('a long answer');
  expect(stdout).toMatch(/\$0\.\d{6} est\./);
  const cut = await raypher('connections', 'cut', open?.id.slice(0, 8) ?? '', '--reason', 'enough');
  expect(cut.stdout).toContain('Ended the connection to api.openai.com');
  expect(String(await ended)).toContain('ended by an administrator');
  await expect
    .poll(() => cutOf(open?.id), SLOW)
    .toMatchObject({ actor: { kind: 'user' }, data: { reason: 'enough' } });
});

test('a signed command cuts one as well, and the ledger says who wanted it', async () => {
  const ended = stream();
  const list = async () => Open.parse(await service.ask({ verb: 'connections' }));
  await expect.poll(async () => (await list()).length, SLOW).toBe(1);
  const [open] = await list();
  const connection = open?.id ?? '';
  const result = await service.plane.order({
    kind: 'command',
    id: randomUUID(),
    organisation: service.plane.organisation,
    device: service.plane.device,
    verb: 'cut-connection',
    arguments: { connection, by: 'ada@example.test' },
    reason: 'Runaway loop',
    issuedAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + 60_000).toISOString(),
  });
  expect(result).toMatchObject({ ok: true });
  expect(String(await ended)).toContain('ended by an administrator');
  await expect
    .poll(() => cutOf(connection), SLOW)
    .toMatchObject({
      actor: { kind: 'control-plane' },
      data: { by: 'ada@example.test', reason: 'Runaway loop' },
    });
});
