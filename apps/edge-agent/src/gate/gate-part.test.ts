import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectGate } from '@raypher/gate/client';
import { LedgerEntry } from '@raypher/shared';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { TestService } from '../testing/test-service.ts';
import { withoutGate } from './gate-mode.ts';

/** Real processes and a real service; the machine may be busy. */
vi.setConfig({ testTimeout: 60_000 });

const PYTHON_CLIENT = fileURLToPath(new URL('../../../../packages/gate/clients/python', import.meta.url));
const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;

const POLICY = `
operational:
  default: allow
  rules:
    - { id: no-rm, effect: deny, commands: [rm], reason: Nothing is removed here. }
    - { id: no-shadow, effect: deny, actions: [file.read], paths: [/etc/shadow] }
network: { default: allow, rules: [{ id: no-paste, effect: deny, destinations: ['*.paste.example'] }] }
tools:
  default: allow
  rules:
    - { id: no-drop, effect: deny, servers: [db], tools: [drop_table] }
    - { id: ask-deploy, effect: prompt, tools: [deploy] }
    - { id: no-prod, effect: deny, arguments: ['*production*'] }
supply_chain: { default: allow, rules: [{ id: no-left-pad, effect: deny, ecosystems: [npm], packages: [left-pad] }] }
dlp: { default: allow, rules: [{ id: hide-keys, effect: redact, classes: [credential] }] }
`;

let agent: TestService;
beforeEach(async () => {
  agent = await TestService.prepare();
});
afterEach(() => agent.stop());

const gatePath = () => join(agent.paths.store, '..', 'gate.sock');
const mintPath = () => join(agent.paths.store, '..', 'gate-mint.sock');

async function deploy(revision: number, mode: 'enforce' | 'monitor', body = POLICY): Promise<void> {
  const payload = agent.policy(revision, mode, '[]');
  await agent.plane.deploy({
    ...payload,
    documents: [{ layer: 'global', source: `apiVersion: raypher/v1\nmode: ${mode}\n${body}` }],
  });
}

async function joined(mode: 'enforce' | 'monitor' = 'enforce'): Promise<void> {
  await agent.join();
  await deploy(1, mode);
}

const car = (action: string, target: string, more: object = {}) => ({ v: 1, action, target, ...more });

async function verdictOf(request: object): Promise<string> {
  using gate = await connectGate(gatePath());
  const { verdict, rule } = await gate.check(request);
  return `${verdict} ${rule}`;
}

async function decisions(): Promise<LedgerEntry[]> {
  return LedgerEntry.array()
    .parse(await agent.logs())
    .filter(({ type }) => type === 'gate.decided');
}

/** Runs a program that asks the gate, as its own process. */
async function python(code: string, options: { uid?: number; gid?: number; env?: object } = {}) {
  const { uid, gid, env } = options;
  const child = spawn('python3', ['-c', code], {
    env: { PATH: process.env.PATH, PYTHONPATH: PYTHON_CLIENT, PYTHONDONTWRITEBYTECODE: '1', ...env },
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  const [code_] = await once(child, 'close');
  return { code: code_, output, pid: child.pid };
}

const pythonAsks = (request: object, path = gatePath()): string => `
import json, raypher_gate
with raypher_gate.GateClient(${JSON.stringify(path)}) as gate:
    answer = gate.check(json.loads(${JSON.stringify(JSON.stringify(request))}))
    print(answer["verdict"], answer["rule"])`;

describe('the policy at the gate', () => {
  test('answers about every kind of action', async () => {
    await joined();
    const cases: [object, string][] = [
      [car('process.exec', '/bin/rm', { arguments: ['-rf', '/srv'] }), 'DENY no-rm'],
      [car('process.exec', 'ls', { arguments: [] }), 'ALLOW operational/default'],
      [car('file.read', '/etc/shadow'), 'DENY no-shadow'],
      [car('file.write', '/srv/a'), 'ALLOW operational/default'],
      [car('file.write', 'a/relative/path'), 'DENY builtin/invalid-path'],
      [car('network.connect', 'https://x.paste.example/new?q=1'), 'DENY no-paste'],
      [car('network.connect', 'x.paste.example:8443'), 'DENY no-paste'],
      [car('network.connect', 'https://exa mple/'), 'DENY builtin/invalid-host'],
      [car('tool.call', 'drop_table', { context: { server: 'db' } }), 'DENY no-drop'],
      [car('tool.call', 'drop_table', { context: { server: 'notes' } }), 'ALLOW tools/default'],
      // A server that cannot be read is not one that is not there.
      [car('tool.call', 'drop_table', { context: { server: 7 } }), 'DENY no-drop'],
      [car('tool.call', 'query', { arguments: { deep: [{ sql: 'use production' }] } }), 'DENY no-prod'],
      [car('package.install', 'left-pad', { context: { ecosystem: 'npm' } }), 'DENY no-left-pad'],
      [car('package.install', 'left-pad', { context: { ecosystem: 'pypi' } }), 'ALLOW supply_chain/default'],
      [car('teleport.now', 'anywhere'), 'DENY builtin/unknown-action'],
    ];
    for (const [request, expected] of cases)
      expect([request, await verdictOf(request)]).toEqual([request, expected]);
  });

  test('tells which findings have to be replaced before data may pass', async () => {
    await joined();
    using gate = await connectGate(gatePath());
    const findings = [
      { class: 'credential', detector: 'github-token' },
      { class: 'contact', detector: 'email' },
    ];
    expect(await gate.check(car('data.out', 'mcp', { arguments: { findings } }))).toMatchObject({
      verdict: 'ALLOW',
      redact: ['github-token'],
    });
  });

  test('in monitor mode allows, and records what it would have blocked', async () => {
    await joined('monitor');
    expect(await verdictOf(car('process.exec', 'rm', { arguments: ['x'] }))).toBe('ALLOW builtin/monitor');
    await expect.poll(decisions).toMatchObject([
      {
        severity: 'warning',
        verdict: { outcome: 'DENY', rule: 'no-rm' },
        data: { denied: false, wouldBlock: true },
      },
    ]);
    await expect
      .poll(async () => (await agent.status()).posture)
      .toContainEqual(expect.objectContaining({ capability: 'gate', state: 'observing' }));
    expect(withoutGate(gatePath())).toBe('open');
  });

  test('is proven by a canary that leaves no event, and holds for what nobody could answer while it is away', async () => {
    await joined();
    await expect
      .poll(async () => (await agent.status()).posture.find(({ capability }) => capability === 'gate')?.state)
      .toBe('enforced');
    expect(await decisions()).toEqual([]);
    expect(withoutGate(gatePath())).toBe('closed');
    rmSync(`${gatePath()}.mode`);
    expect(withoutGate(gatePath())).toBe('closed');
  });

  test('is asked again after a change, also of the local document, which has no revision of its own', async () => {
    await joined();
    using gate = await connectGate(gatePath());
    const request = car('tool.call', 'read_mail');
    expect(await gate.check(request)).toMatchObject({ verdict: 'ALLOW', source: 'policy' });
    expect(await gate.check(request)).toMatchObject({ verdict: 'ALLOW', source: 'cache' });
    await deploy(2, 'enforce', 'tools: { default: deny }');
    expect(await gate.check(request)).toMatchObject({ verdict: 'DENY', source: 'policy', revision: 2 });
  });

  test('remembers no answer of a rule that looks at the clock, and no denial', async () => {
    await agent.join();
    const always = 'times: [{ days: [mon, tue, wed, thu, fri, sat, sun], from: "00:00", to: "23:59" }]';
    await deploy(
      1,
      'enforce',
      `tools: { default: allow, rules: [{ id: night, effect: deny, tools: [x], ${always} }] }`,
    );
    using gate = await connectGate(gatePath());
    for (const _ of [1, 2])
      expect(await gate.check(car('tool.call', 'y'))).toMatchObject({ source: 'policy' });
    for (const _ of [1, 2])
      expect(await gate.check(car('file.read', 'relative'))).toMatchObject({ source: 'policy' });
  });

  test('leaves an event without secrets, whoever they are handed to', async () => {
    await joined();
    const secret = ['gh', 'p_', 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8'].join('');
    using gate = await connectGate(gatePath());
    await gate.check(
      car('process.exec', 'curl', { arguments: ['-H', `X-Key: ${secret}`, 'https://a.example'] }),
    );
    await gate.check(car('tool.call', 'send', { arguments: { key: secret } }));
    await gate.check(car('network.connect', `https://a.example/p?token=${secret}`));
    await gate.check(car('file.read', `/srv/${secret}`));
    await expect.poll(async () => (await decisions()).length).toBe(4);
    const written = JSON.stringify(await agent.logs());
    expect(written).not.toContain(secret);
    expect(written).not.toContain(secret.slice(0, 20));
    expect((await decisions())[0]?.target).toContain('https://a.example');
  });
});

describe('who asks', () => {
  test('an AI agent is known by its process, and a helper that it starts acts for it', async () => {
    await joined();
    const env = { [`OPENAI_API_${'KEY'}`]: 'x' };
    const asks = pythonAsks(car('process.exec', 'rm', { arguments: [] }));
    const direct = await python(asks, { env });
    expect(direct.output.trim()).toBe('DENY no-rm');
    await expect.poll(decisions).toMatchObject([{ actor: { kind: 'ai-agent', pid: direct.pid } }]);

    const helper = `import subprocess, sys, os
env = {k: v for k, v in os.environ.items() if not k.startswith("OPENAI")}
subprocess.run([sys.executable, "-c", ${JSON.stringify(asks)}], env=env)`;
    const through = await python(helper, { env });
    expect(through.output.trim()).toBe('DENY no-rm');
    await expect.poll(async () => (await decisions()).length).toBe(2);
    expect((await decisions())[1]).toMatchObject({ actor: { kind: 'ai-agent' } });
  });

  test.skipIf(!IS_ROOT)('another user can neither ask nor mint', async () => {
    await joined();
    for (const path of [gatePath(), mintPath()]) {
      const { output } = await python(pythonAsks(car('tool.call', 'x'), path), { uid: NOBODY, gid: NOBODY });
      expect(output).toMatch(/PermissionError/);
    }
    // Not even through a folder that somebody opened for all.
    chmodSync(join(gatePath(), '..'), 0o755);
    for (const path of [gatePath(), mintPath()]) {
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const { output } = await python(pythonAsks(car('tool.call', 'x'), path), { uid: NOBODY, gid: NOBODY });
      expect(output).toMatch(/PermissionError/);
      // The mode of the socket is not all there is: the peer is checked too.
      chmodSync(path, 0o666);
      const opened = await python(pythonAsks(car('tool.call', 'x'), path), { uid: NOBODY, gid: NOBODY });
      expect(opened.output).toMatch(/closed the connection|Connection reset|Broken pipe/);
    }
  });

  test.skipIf(!IS_ROOT)('members of the group may ask, and not mint', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gate-shared-'));
    chmodSync(folder, 0o755);
    const socket = join(folder, 'gate.sock');
    const group =
      readFileSync('/etc/group', 'utf8')
        .split('\n')
        .find((line) => line.startsWith('games:')) ?? '';
    const gid = Number(group.split(':')[2]);
    agent.config = { ...agent.config, gateSocket: socket, gateGroup: 'games' };
    await joined();
    expect(statSync(socket)).toMatchObject({ gid });
    expect(statSync(socket).mode & 0o777).toBe(0o660);
    const asks = pythonAsks(car('process.exec', 'rm', { arguments: [] }), socket);
    expect((await python(asks, { uid: NOBODY, gid })).output.trim()).toBe('DENY no-rm');
    expect((await python(asks, { uid: NOBODY, gid: NOBODY })).output).toMatch(/PermissionError/);
    const mints = `
import raypher_gate
with raypher_gate.GateClient(${JSON.stringify(socket)}) as gate:
    gate.create_permit("a" * 64, "user/${NOBODY}", "ALLOW")`;
    expect((await python(mints, { uid: NOBODY, gid })).output).toMatch(/GateCallError/);
    await python(asks, { uid: NOBODY, gid });
    await expect.poll(async () => (await decisions()).at(-1)?.data.askedBy).toBeGreaterThan(1);
  });
});

describe('permits', () => {
  test('count for one action of one process, once, and not after a restart', async () => {
    await joined();
    const deployment = car('tool.call', 'deploy', { arguments: { to: 'staging' } });
    let gate = await connectGate(gatePath());
    let mint = await connectGate(mintPath());
    const { car: hash } = await gate.check(deployment);
    const own = `process/${process.getuid?.()}/${process.pid}/${readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[19]}`;
    // As long as they may last: the programs below take their time.
    const order = { car: hash, subject: own, verdict: 'PROMPT' as const, lifetimeMs: 300_000 };
    const { permit } = await mint.createPermit(order);

    const other = await python(`
import json, raypher_gate
with raypher_gate.GateClient(${JSON.stringify(gatePath())}) as gate:
    print(gate.check(json.loads(${JSON.stringify(JSON.stringify(deployment))}), permit=${JSON.stringify(permit)})["rule"])`);
    expect(other.output.trim()).toBe('permit/other-subject');
    const moved = { ...deployment, arguments: { to: 'test' } };
    expect(await gate.check(moved, { permit })).toMatchObject({ rule: 'permit/other-action' });
    const tampered = permit.replace(/\.1\.([0-9a-f]{64})$/, '.9.$1');
    expect(await gate.check(deployment, { permit: tampered })).toMatchObject({ rule: 'permit/forged' });
    // The same process number at another time is another process.
    const reused = own.replace(/\d+$/, '1');
    const { permit: stale } = await mint.createPermit({ ...order, subject: reused });
    expect(await gate.check(deployment, { permit: stale })).toMatchObject({ rule: 'permit/other-subject' });
    const { permit: brief } = await mint.createPermit({ ...order, lifetimeMs: 1 });
    const minted = Date.now();
    // Who asks before it is over uses it up.
    await expect.poll(() => Date.now()).toBeGreaterThan(minted + 1);
    expect(await gate.check(deployment, { permit: brief })).toMatchObject({ rule: 'permit/expired' });

    expect(await gate.check(deployment, { permit })).toMatchObject({ verdict: 'ALLOW', source: 'permit' });
    expect(await gate.check(deployment, { permit })).toMatchObject({ verdict: 'DENY', rule: 'permit/used' });
    const { permit: kept } = await mint.createPermit(order);
    await agent.restart();
    gate.close();
    mint.close();
    gate = await connectGate(gatePath());
    mint = await connectGate(mintPath());
    expect(await gate.check(deployment, { permit: kept })).toMatchObject({ rule: 'permit/unknown-key' });
    gate.close();
    mint.close();
  });
});

test('a person who agrees allows this action, with these arguments, once', async () => {
  await joined();
  using gate = await connectGate(gatePath());
  const deployment = car('tool.call', 'deploy', { arguments: { to: 'staging' } });
  const Waiting = z.array(z.object({ id: z.string(), details: z.record(z.string(), z.unknown()) }));
  const waiting = async () => Waiting.parse(await agent.ask({ verb: 'approvals' }));
  const decide = async (approval: string, outcome: 'allow' | 'deny') => {
    const payload = agent.policy(1, 'enforce', '[]');
    await agent.plane.order({
      kind: 'command',
      id: randomUUID(),
      organisation: payload.organisation,
      device: agent.plane.device,
      verb: 'decide-approval',
      arguments: { approval, outcome, scope: 'session', by: 'Ada' },
      reason: 'looked at it',
      issuedAt: payload.issuedAt,
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    });
  };
  const asked = await gate.check(deployment);
  expect(asked).toMatchObject({ verdict: 'PROMPT', rule: 'ask-deploy', approval: expect.any(String) });
  await expect
    .poll(waiting)
    .toMatchObject([{ details: { arguments: '{"to":"staging"}', request: asked.car } }]);
  const answer = gate.check(deployment, { waitMs: 30_000 });
  await decide((await waiting())[0]?.id ?? '', 'allow');
  expect(await answer).toMatchObject({
    verdict: 'ALLOW',
    source: 'approval',
    reason: expect.stringContaining('Ada'),
  });
  // For this session, said Ada, and about staging.
  expect(await gate.check(deployment, { waitMs: 5_000 })).toMatchObject({
    verdict: 'ALLOW',
    source: 'approval',
  });
  const elsewhere = { ...deployment, arguments: { to: 'the moon' } };
  expect(await gate.check(elsewhere, { waitMs: 50 })).toMatchObject({ verdict: 'PROMPT' });
  await decide((await waiting())[0]?.id ?? '', 'deny');
  expect(await gate.check(elsewhere, { waitMs: 5_000 })).toMatchObject({
    verdict: 'DENY',
    source: 'approval',
    reason: 'Ada said no.',
    message: expect.stringMatching(
      /^Raypher did not allow this: tool.call deploy\. Ada .* do not look for another way/,
    ),
  });
});

describe('the place of the socket', () => {
  test('is not taken from a link: what it leads to stays, and the service says that the part is down', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gate-link-'));
    symlinkSync(join(folder, 'elsewhere.sock'), join(folder, 'gate.sock'));
    agent.config = { ...agent.config, gateSocket: join(folder, 'gate.sock') };
    await agent.start();
    const { parts, posture } = await agent.status();
    expect(parts.find(({ name }) => name === 'gate')).toMatchObject({ state: 'restarting' });
    expect(posture.find(({ capability }) => capability === 'gate')).toMatchObject({ state: 'unavailable' });
    expect(await agent.chat('openai')).toBe(200);
  });
});

test('what has no canonical form is refused and not guessed at', async () => {
  await agent.start();
  const cases = [
    ['{"v":1,"action":"tool.call","target":"x","arguments":9007199254740993}', 'json/inexact-number'],
    ['{"v":1,"action":"tool.call","target":"x","target":"y"}', 'json/duplicate-name'],
    ['{"v":1,"action":"tool.call","target":"\\ud800"}', 'json/lone-surrogate'],
    ['{"v":1,"action":"tool.call","target":"x","arguments":NaN}', 'gate/parse'],
  ];
  for (const [request, fault] of cases) {
    const socket = connect(gatePath());
    socket.write(`{"jsonrpc":"2.0","id":1,"method":"gate_check","params":{"request":${request}}}\n`);
    const [answer] = await once(socket, 'data');
    socket.destroy();
    expect([request, String(answer)]).toEqual([request, expect.stringContaining(String(fault))]);
    expect(String(answer)).toContain('"error"');
  }
});
