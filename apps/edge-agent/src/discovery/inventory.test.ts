import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalBytes, sha256Hex } from '@raypher/ledger';
import type { AiAgent } from '@raypher/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Stage, type Started, until, withoutRoot } from '../response/spawned.test-support.ts';
import { MAIN } from '../testing/command-line.ts';
import { Inventory } from './inventory.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const device = randomUUID();
const STAY = `console.log('ready'); setInterval(() => {}, 1000);`;
const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find((path) => existsSync(path));

let stage: Stage;
let inventory: Inventory;
beforeEach(() => {
  stage = new Stage();
  // Long enough to hash every executable of a busy machine at the first refresh.
  inventory = new Inventory({ device, hashBudgetMs: 20_000 });
});
afterEach(() => stage.end());

/** On a busy machine files can come too late for one look; then the next one reads them. */
async function agentOf(started: Started): Promise<AiAgent | undefined> {
  await until('its files came in time', async () => {
    await inventory.refresh();
    return inventory.assessmentOf(started)?.isLate !== true;
  });
  return inventory.agentOf(started);
}

const node = (path: string, source = STAY, options = {}) =>
  stage.start(process.execPath, [stage.write(path, source)], options);

it('what is no package name is not carried around', async () => {
  const dependencies = { langchain: '1', ['x'.repeat(100_000)]: '1', 'a\u0001b': '1' };
  stage.write('package.json', JSON.stringify({ name: 'bot', dependencies }));
  expect((await agentOf(await node('main.js')))?.libraries).toEqual(['langchain']);
});

describe('what is no AI agent', () => {
  it('a plain Node script', async () => {
    stage.write('package.json', JSON.stringify({ name: 'plain', dependencies: { express: '5' } }));
    expect(await agentOf(await node('main.js'))).toBeUndefined();
  });

  it.skipIf(python === undefined)('a plain Python script', async () => {
    const script = stage.write('main.py', 'import time, json\nprint("ready", flush=True)\ntime.sleep(1000)');
    expect(await agentOf(await stage.start(python ?? '', [script]))).toBeUndefined();
  });

  it('a shell that stands in a project which lists langchain, with a key exported', async () => {
    stage.write('package.json', JSON.stringify({ dependencies: { langchain: '1' } }));
    const env = { PATH: process.env.PATH, OPENAI_API_KEY: 'x' };
    expect(
      await agentOf(await stage.start('sh', ['-c', 'echo ready; read x < /dev/tty; sleep 1000'], { env })),
    ).toBeUndefined();
  });

  it('a development tool that works on such a project', async () => {
    stage.write('package.json', JSON.stringify({ dependencies: { langchain: '1', openai: '7' } }));
    stage.write('node_modules/typescript/package.json', JSON.stringify({ name: 'typescript' }));
    const env = { PATH: process.env.PATH, OPENAI_API_KEY: 'x' };
    expect(
      await agentOf(await node('node_modules/typescript/lib/tsserver.js', STAY, { env })),
    ).toBeUndefined();
  });

  it('another installed package that runs inside such a project', async () => {
    stage.write('package.json', JSON.stringify({ dependencies: { langchain: '1' } }));
    stage.write('node_modules/server/package.json', JSON.stringify({ name: 'server' }));
    expect(await agentOf(await node('node_modules/server/bin.js'))).toBeUndefined();
  });

  it('a process that merely has an empty variable of that name, or a similar one', async () => {
    const env = {
      PATH: process.env.PATH,
      OPENAI_API_KEY: '',
      MY_OPENAI_API_KEY: 'x',
      OPENAI_API_KEY_FILE: '/x',
    };
    expect(await agentOf(await node('main.js', STAY, { env }))).toBeUndefined();
  });

  it('this process and those that started it', async () => {
    await inventory.refresh();
    expect(inventory.isOwn(process.pid)).toBe(true);
    expect(inventory.isOwn(process.ppid)).toBe(true);
    for (const agent of inventory.current.agents) {
      expect(agent.processes.map(({ pid }) => pid)).not.toContain(process.pid);
    }
  });
});

describe('what is an AI agent', () => {
  it('a Node script whose package.json lists langchain, and nothing else', async () => {
    stage.write('bot/package.json', JSON.stringify({ name: 'bot', dependencies: { langchain: '^1.2' } }));
    const bot = await node('bot/src/main.mjs');
    const agent = await agentOf(bot);
    const script = join(stage.directory, 'bot/src/main.mjs');
    const exe = readlinkSync(`/proc/${bot.pid}/exe`);
    expect(agent).toMatchObject({
      id: sha256Hex(canonicalBytes({ device, user: agent?.user, exe, script })),
      name: 'main.mjs',
      exePath: exe,
      entryScript: script,
      libraries: ['langchain'],
      signatures: ['package.langchain'],
      risk: 'high',
      evidence: [`package.json of ${join(stage.directory, 'bot')} lists langchain ^1.2`],
      confidence: 'full',
      frozen: false,
    });
    expect(agent?.processes).toMatchObject([
      { pid: bot.pid, startTime: BigInt(bot.startTime), frozen: false },
    ]);
    expect(agent?.exeSha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('a script that is reached through a link and imports a client, without any manifest', async () => {
    stage.write('real/bot.mjs', `${STAY}\nfunction later() { return import('@anthropic-ai/sdk'); }`);
    symlinkSync(join(stage.directory, 'real/bot.mjs'), join(stage.directory, 'link.mjs'));
    const agent = await agentOf(await stage.start(process.execPath, ['link.mjs']));
    expect(agent).toMatchObject({
      entryScript: join(stage.directory, 'real/bot.mjs'),
      signatures: ['package.anthropic'],
      evidence: ['bot.mjs imports @anthropic-ai/sdk'],
    });
  });

  it.skipIf(python === undefined)(
    'Python that runs code from the command line in a project with crewai',
    async () => {
      stage.write('requirements.txt', 'crewai==0.80\n');
      const code = 'import time; print("ready", flush=True); time.sleep(1000)';
      const agent = await agentOf(await stage.start(python ?? '', ['-c', code]));
      expect(agent).toMatchObject({
        signatures: ['package.crewai'],
        evidence: [`requirements.txt of ${stage.directory} lists crewai ==0.80`],
        entryScript: '-c',
      });
    },
  );

  it('a script with a provider key in its environment; the value is nowhere', async () => {
    const value = ['s', 'k-', 'q'.repeat(40)].join('');
    const agent = await agentOf(
      await node('main.js', STAY, { env: { PATH: process.env.PATH, OPENAI_API_KEY: value } }),
    );
    expect(agent).toMatchObject({ risk: 'critical', signatures: ['environment.openai'] });
    expect(agent?.evidence).toEqual(['has OPENAI_API_KEY in its environment']);
    const everything = JSON.stringify(inventory.current, (_, part: unknown) =>
      typeof part === 'bigint' ? String(part) : part,
    );
    expect(everything).not.toContain(value);
  });

  it('a known command-line tool that npm installed', async () => {
    stage.write(
      'node_modules/@anthropic-ai/claude-code/package.json',
      JSON.stringify({ name: '@anthropic-ai/claude-code' }),
    );
    const agent = await agentOf(await node('node_modules/@anthropic-ai/claude-code/cli.mjs'));
    expect(agent?.signatures).toContain('argument.claude-code');
  });

  it.skipIf(!existsSync('/usr/bin/cc'))(
    'a renamed program with ggml loaded, whatever it is called',
    async () => {
      const library = join(stage.directory, 'libggml-base.so');
      const source = stage.write('empty.c', 'int nothing;');
      expect(spawnSync('cc', ['-shared', '-fPIC', '-o', library, source]).status).toBe(0);
      const renamed = join(stage.directory, 'innocent');
      copyFileSync('/bin/sh', renamed);
      const env = { PATH: process.env.PATH, LD_PRELOAD: library };
      const agent = await agentOf(
        await stage.start(renamed, ['-c', 'echo ready; while :; do sleep 0.2; done'], { env }),
      );
      expect(agent).toMatchObject({
        name: 'innocent',
        signatures: ['library.ggml'],
        evidence: [`maps ${library}`],
      });
    },
  );

  it('a process that called a model before any scan saw it', async () => {
    const plain = await node('main.js');
    inventory.recordModel(plain, 'gpt-4o');
    expect(await agentOf(plain)).toMatchObject({ models: ['gpt-4o'], signatures: ['call.model'] });
  });

  it('a process that the proxy saw calling a model', async () => {
    const plain = await node('main.js');
    expect(await agentOf(plain)).toBeUndefined();
    inventory.recordModel(plain, 'gpt-4o');
    expect(await agentOf(plain)).toMatchObject({ models: ['gpt-4o'], signatures: ['call.model'] });
  });
});

describe('trees', () => {
  const spawner = (then: string) =>
    `import { spawn } from 'node:child_process';
     const child = spawn(${then}, { stdio: 'ignore', detached: true });
     child.unref(); console.log(child.pid);`;

  it('hold the children of an AI agent, also after it is gone', async () => {
    stage.write('package.json', JSON.stringify({ dependencies: { langchain: '1' } }));
    const bot = await node(
      'bot.mjs',
      `${spawner(`'sh', ['-c', 'while :; do sleep 0.2; done']`)} setInterval(() => {}, 1000);`,
    );
    const child = Number(bot.firstLine);
    await until(
      'the child is seen',
      async () => (await agentOf(bot))?.processes.some(({ pid }) => pid === child) === true,
    );
    const id = inventory.agentOf(bot)?.id;

    bot.child.kill('SIGKILL');
    await until(
      'the parent is gone',
      async () =>
        !(await inventory.refresh()).processes.some(({ pid, state }) => pid === bot.pid && state !== 'Z'),
    );

    const orphan = inventory.current.agents.find((agent) => agent.processes.some(({ pid }) => pid === child));
    process.kill(child, 'SIGKILL');
    expect(orphan?.id).toBe(id);
  });

  it('keep a key that children inherit from making them AI agents of their own', async () => {
    const helper = stage.write('helper.mjs', 'setInterval(() => {}, 1000)');
    const bot = await node(
      'bot.mjs',
      `${spawner(`process.execPath, [${JSON.stringify(helper)}]`)} setInterval(() => {}, 1000);`,
      {
        env: { PATH: process.env.PATH, ANTHROPIC_API_KEY: 'x' },
      },
    );
    const child = Number(bot.firstLine);
    await until(
      'the child is seen',
      async () => (await agentOf(bot))?.processes.some(({ pid }) => pid === child) === true,
    );
    process.kill(child, 'SIGKILL');
  });
});

describe("Raypher's own parts", () => {
  it('are not recognised by the marker alone', async () => {
    stage.write('package.json', JSON.stringify({ dependencies: { langchain: '1' } }));
    const liar = await node('bot.mjs', STAY, {
      env: { PATH: process.env.PATH, RAYPHER_COMPONENT: 'ingestor' },
    });
    expect(await agentOf(liar)).toBeDefined();
    expect(inventory.isOwn(liar.pid)).toBe(false);
  });

  it('are recognised when the launcher of the marked edge agent started them', async () => {
    const part = stage.write('part/main.mjs', STAY);
    stage.write('part/package.json', JSON.stringify({ dependencies: { openai: '7' } }));
    const launcher = await node(
      'launcher.mjs',
      `import { spawn } from 'node:child_process';
       const parts = ['edge-agent', 'web', ''].map((name) =>
         spawn(process.execPath, [${JSON.stringify(part)}], { stdio: 'ignore', env: name ? { RAYPHER_COMPONENT: name } : {} }).pid);
       console.log(parts.join(' ')); setInterval(() => {}, 1000);`,
    );
    const [edgeAgent = 0, web = 0, unmarked = 0] = launcher.firstLine.split(' ').map(Number);
    const subject = new Inventory({ device, selfPid: edgeAgent });
    await until(
      'all are examined',
      async () => (await subject.refresh()).processes.filter(({ argv }) => argv[1] === part).length === 3,
    );
    expect([edgeAgent, web, unmarked].map((pid) => subject.isOwn(pid))).toEqual([true, true, false]);
    for (const pid of [edgeAgent, web, unmarked]) process.kill(pid, 'SIGKILL');
  });
});

describe('events', () => {
  it('say that an AI agent appeared, changed and vanished', async () => {
    const seen: string[] = [];
    const mine = (agent: AiAgent): boolean => agent.entryScript.startsWith(stage.directory);
    inventory.on('appeared', (agent) => mine(agent) && seen.push(`appeared ${agent.name}`));
    inventory.on('changed', (agent, changes) => mine(agent) && seen.push(`changed ${changes.join()}`));
    inventory.on('vanished', (agent) => mine(agent) && seen.push(`vanished ${agent.name}`));
    stage.write('package.json', JSON.stringify({ dependencies: { langchain: '1' } }));

    const bot = await node('bot.mjs');
    await agentOf(bot);
    await inventory.refresh();
    inventory.recordModel(bot, 'gpt-4o');
    await inventory.refresh();
    bot.child.kill('SIGKILL');
    await until('it is gone', async () => (await agentOf(bot)) === undefined);

    expect(seen).toEqual(['appeared bot.mjs', 'changed signatures,models', 'vanished bot.mjs']);
  });
});

it('the launcher is no AI agent, and what it starts is one', async () => {
  const bot = stage.write('bot.mjs', STAY);
  stage.write('package.json', JSON.stringify({ dependencies: { langchain: '1' } }));
  const own = join(stage.directory, 'data');
  const launched = await stage.start(
    process.execPath,
    [MAIN, 'run', '--data-dir', own, '--', process.execPath, bot],
    {
      env: { PATH: process.env.PATH, OPENAI_API_KEY: 'x' },
    },
  );
  expect(await agentOf(launched)).toBeUndefined();
  const started = () => inventory.current.agents.filter(({ entryScript }) => entryScript === bot);
  await until('what it starts is found', async () => {
    await inventory.refresh();
    return started().length > 0;
  });
  expect(started()).toHaveLength(1);
  expect(started()[0]?.processes).toHaveLength(1);
  // One that calls models itself is one, whatever it says it is.
  inventory.recordModel(launched, 'gpt-4o');
  expect(await agentOf(launched)).toBeDefined();
});

describe.skipIf(withoutRoot !== undefined)('raypher run', () => {
  it('makes an AI agent of whatever it started, whatever that starts', async () => {
    const leaf = stage.cgroups().create('run-1');
    const shell = await stage.start('sh', [
      '-c',
      `echo $$ > ${leaf.path}/cgroup.procs; setsid -f sleep 1000; echo ready; while :; do sleep 0.2; done`,
    ]);
    const agent = await agentOf(shell);
    expect(agent).toMatchObject({ signatures: ['declared.run'], evidence: ['was started with raypher run'] });
    // What leaves the session executes its program a moment later.
    await until(
      'its daemon is seen',
      async () =>
        (await agentOf(shell))?.processes.some(({ commandLine }) => commandLine === 'sleep 1000') === true,
    );
  });

  it('does not take whoever started it for a part of it', async () => {
    const leaf = stage.cgroups().create('run-2');
    const command = `echo $$ > ${leaf.path}/cgroup.procs; exec sleep 1000`;
    // A launcher that is recognised itself, by a key that what it starts inherits.
    const launcher = await node(
      'launcher.mjs',
      `import { spawn } from 'node:child_process';
       setTimeout(() => {}, 1e9);
       spawn('/bin/sh', ['-c', ${JSON.stringify(command)}], { stdio: 'ignore' });
       console.log('ready');`,
      { env: { PATH: process.env.PATH, OPENAI_API_KEY: 'x' } },
    );
    await until('it runs in its group', async () => leaf.pids().length === 1);
    const [pid] = leaf.pids();
    await agentOf(launcher);
    const holding = (wanted: number | undefined) =>
      inventory.current.agents.find(({ processes }) => processes.some((process) => process.pid === wanted));
    const agent = holding(pid);
    expect(agent?.signatures).toContain('declared.run');
    expect(agent?.processes.map((process) => process.pid)).toEqual([pid]);
    expect(holding(launcher.pid)?.signatures).not.toContain('declared.run');
  });
});
