import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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
  await agent.enrol();
  commands = new AgentProcesses(agent.config.dataDir, { RAYPHER_IDENTITY_KEY: 'software' });
  writeFileSync(
    join(agent.config.dataDir, 'test.toml'),
    `[proxy.connect_to]\n"api.openai.com" = "${agent.upstream.url}"\n[log]\nlevel = "debug"\n`,
  );
});
afterEach(async () => {
  await commands.end('SIGKILL');
  await agent.stop();
});

/** Seals the key, starts the service and has a program that is allowed use it. @returns what that program saw */
async function useSealedKey(): Promise<string> {
  // Without a service first: the agent is opened under its lock.
  const sealed = await commands.run(['seal', 'openai', '--provider', 'openai'], `${KEY}\n`);
  expect(sealed).toMatchObject({ code: 0, stderr: '' });
  const greeted = agent.plane.hello();
  const port = await commands.start({ OPENAI_API_KEY: 'inherited' });
  await greeted;
  await agent.plane.deploy(agent.policy(1, 'enforce', '[]'));
  const script = join(agent.config.dataDir, 'bot.mjs');
  writeFileSync(
    script,
    `const { default: OpenAI } = await import(${JSON.stringify(import.meta.resolve('openai'))});
     const client = new OpenAI({ apiKey: 'raypher', baseURL: process.argv[2], maxRetries: 0 });
     const messages = [{ role: 'user', content: 'hi' }];
     const { choices } = await client.chat.completions.create({ model: 'gpt-4o', messages });
     console.log(choices.length);`,
  );
  const allowed = await commands.run(['allow', process.execPath, '--script', script, '--any-user']);
  expect(allowed).toMatchObject({ code: 0 });
  const bot = spawn(process.execPath, [script, `http://127.0.0.1:${port}/openai/v1`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return (await text(bot.stdout)).trim();
}

test('a key that was sealed and used is in no file, log, argument or environment of the agent', async () => {
  expect(await useSealedKey()).toBe('1');
  // Only there.
  expect(agent.upstream.requests.at(-1)?.headers.authorization).toBe(`Bearer ${KEY}`);

  expect((await commands.run(['vault', 'list'])).stdout).toMatch(/openai +1 +\d{4}-\S+Z +\d{4}-\S+Z +openai/);
  const refused = await commands.run(['unseal', 'openai']);
  expect(refused).toMatchObject({ code: 3, stdout: '' });
  expect((await commands.run(['unseal', 'openai', '--force'])).stdout).toBe(KEY);
  expect((await commands.run(['logs'])).stdout).toMatch(/warning .*: unseal openai/);

  const pid = commands.service?.pid;
  const [environ = '', cmdline = ''] = ['environ', 'cmdline'].map((name) =>
    readFileSync(`/proc/${pid}/${name}`, 'latin1'),
  );
  const files = filesOf(agent.config.dataDir);
  // What is looked through is what it should be: each holds what it is known to hold.
  expect(environ).toContain('OPENAI_API_KEY=inherited');
  expect(cmdline).toContain('service');
  expect(commands.output).toContain('unseal');
  // Entries are encrypted in the files: they are looked at as they are read back, too.
  const { stdout: entries } = await commands.run(['logs', '--json']);
  expect(entries).toContain('sealed:openai');
  expect(files.some((content) => content.includes('openai'))).toBe(true);
  for (const content of [environ, cmdline, entries, commands.output, ...files]) {
    expect(content.includes(KEY.slice(4, 24))).toBe(false);
  }
});

describe('when the service crashes', () => {
  /** Why no core is to be expected in the working folder; undefined where the kernel writes one there. */
  const noCores = coresUnavailable();

  test.each(['SIGABRT', 'SIGSEGV'] as const)('by %s, it leaves no core', async (signal) => {
    expect(await useSealedKey()).toBe('1');
    expect(readFileSync(`/proc/${commands.service?.pid}/limits`, 'utf8')).toMatch(
      /Max core file size +0 +0 /,
    );
    await commands.end(signal);
    expect(cores()).toEqual([]);

    // The same Node with the same limits and the key in its memory, without the agent's care.
    const control = spawn(
      '/bin/sh',
      ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', process.execPath, '-e', HOLD],
      { cwd: agent.config.dataDir, stdio: ['pipe', 'pipe', 'inherit'] },
    );
    control.stdin.write(KEY);
    await once(control.stdout, 'data');
    control.kill(signal);
    expect(await once(control, 'exit')).toEqual([null, signal]);
    if (noCores !== undefined) {
      console.warn(`What a core would hold was not seen: ${noCores}.`);
      return;
    }
    const [core] = cores();
    if (core === undefined) throw new Error('the control process left no core');
    const path = join(agent.config.dataDir, core);
    expect(readFileSync(path).includes(KEY)).toBe(true);
    rmSync(path);
  });

  test('no signal opens its inspector before', async () => {
    await commands.start();
    commands.service?.kill('SIGUSR1');
    expect((await commands.run(['status'])).code).toBe(0);
    expect(commands.output).not.toContain('Debugger');
  });
});

/** Says that it has the key, and waits. */
const HOLD = `process.stdin.once('data', (key) => { globalThis.key = key; console.log('held'); });`;

function cores(): string[] {
  return readdirSync(agent.config.dataDir).filter((name) => name.startsWith('core'));
}

function coresUnavailable(): string | undefined {
  if (process.platform !== 'linux') return 'unavailable(cores are looked for on Linux only)';
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  if (!/^core[^/]*$/.test(pattern)) {
    return `unavailable(this machine writes no core into the working folder: core_pattern is ${pattern})`;
  }
  const { status } = spawnSync('/bin/sh', ['-c', 'ulimit -c unlimited']);
  return status === 0 ? undefined : 'unavailable(core dumps are limited on this machine)';
}
