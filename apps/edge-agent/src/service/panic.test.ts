import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createForensicKey, type ForensicKeyFile, openSnapshot, readForensicKey } from '@raypher/vault';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isAlive, readStat } from '../discovery/stat.ts';
import { decodeSnapshot } from '../panic/snapshot.ts';
import { TestService } from '../testing/test-service.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('panic of a service: needs root: run the tests as root to see these');
/** Real processes and a real service; the machine may be busy. */
vi.setConfig({ testTimeout: 90_000 });

const children: ChildProcess[] = [];
let agent: TestService;
beforeEach(async () => {
  agent = await TestService.prepare();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await agent.stop();
});

/** A Node process that is an AI agent by its manifest, under a name that nothing else here has. */
async function startBot() {
  const name = `bot-${randomUUID().slice(0, 8)}.mjs`;
  const folder = mkdtempSync(join(tmpdir(), 'raypher-panic-'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ dependencies: { 'cohere-ai': '1.0.0' } }));
  writeFileSync(join(folder, 'ticks'), '');
  writeFileSync(
    join(folder, name),
    "import { appendFileSync } from 'node:fs';\nsetInterval(() => appendFileSync(new URL('ticks', import.meta.url), '.'), 20);\n",
  );
  const child = spawn(process.execPath, [join(folder, name)], { stdio: 'ignore' });
  children.push(child);
  const ticks = (): number => readFileSync(join(folder, 'ticks')).length;
  await expect.poll(ticks, { timeout: 30_000 }).toBeGreaterThan(3);
  const startTime = readStat(child.pid ?? 0)?.startTime;
  if (child.pid === undefined || startTime === undefined) throw new Error('the bot did not start');
  return { name, pid: child.pid, startTime, ticks };
}

const command = (arguments_: Record<string, string | boolean>) => ({
  kind: 'command' as const,
  id: randomUUID(),
  organisation: agent.plane.organisation,
  device: agent.plane.device,
  verb: 'panic' as const,
  arguments: { by: 'alice@example.com', hold: false, memory: false, ...arguments_ },
  reason: 'incident 42',
  issuedAt: new Date().toISOString(),
  expiresAt: new Date(Date.now() + 60_000).toISOString(),
});

async function idOf(name: string): Promise<string> {
  const seen = async () => {
    const scanned = await agent.ask({ verb: 'scan' });
    return (scanned as { agents: { id: string; name: string }[] }).agents;
  };
  // On a busy machine its files can come too late for one look.
  await expect.poll(async () => (await seen()).map((one) => one.name)).toContain(name);
  const found = (await seen()).find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} is gone`);
  return found.id;
}

test.skipIf(!isRoot)(
  'an order of the control plane ends one AI agent; the organisation opens what it leaves',
  async () => {
    const key: ForensicKeyFile = await createForensicKey('organisation');
    const { keyId, publicKey } = key;
    await agent.join();
    await agent.plane.deploy({ ...agent.policy(1, 'monitor', '[]'), forensics: { keyId, publicKey } });
    const [bot, neighbour] = [await startBot(), await startBot()];

    const result = await agent.plane.order(command({ target: 'agent', agent: await idOf(bot.name) }));

    expect(result).toMatchObject({ ok: true });
    const report = JSON.parse(result.resultJson);
    expect(report).toMatchObject({
      label: bot.name,
      processes: 1,
      snapshot: { keyId, recipient: 'organisation' },
    });
    expect(isAlive(bot)).toBe(false);
    const before = neighbour.ticks();
    await expect.poll(neighbour.ticks).toBeGreaterThan(before);
    const entry = await agent.plane.entry('panic.finished');
    expect(entry.data).toMatchObject({
      by: 'alice@example.com',
      snapshot: report.snapshot.sha256,
      recipient: 'organisation',
    });
    const file = readFileSync(join(agent.paths.panics, `${report.id}.snapshot`));
    const { content } = await openSnapshot(await readForensicKey(key), file);
    const { snapshot } = decodeSnapshot(content);
    expect(snapshot).toMatchObject({
      panic: { by: 'alice@example.com', reason: 'incident 42', origin: 'control plane' },
      device: { device: agent.plane.device },
      // What led to it: the last minute of the ledger, this very panic included.
      events: expect.arrayContaining([expect.objectContaining({ type: 'panic.started' })]),
      posture: expect.arrayContaining([expect.objectContaining({ capability: 'freeze.cgroup' })]),
    });
  },
);

test.skipIf(!isRoot)(
  'one that is held stays frozen over a restart of the service until it is thawed',
  async () => {
    const bot = await startBot();
    await agent.start();
    await idOf(bot.name);
    const report = await agent.ask({
      verb: 'panic',
      target: { kind: 'agent', agent: bot.name },
      hold: true,
      memory: false,
      reason: 'odd',
      by: 'mallory',
    });
    expect(report).toMatchObject({ hold: true, processes: 1, snapshot: { recipient: 'machine' } });
    const stopped = bot.ticks();
    await agent.restart();
    expect((await agent.status()).freeze.processes, JSON.stringify(await agent.logs())).toBe(1);
    expect(bot.ticks()).toBe(stopped);
    await agent.ask({ verb: 'thaw', id: (report as { id: string }).id, by: 'mallory' });
    await expect.poll(bot.ticks).toBeGreaterThan(stopped);
  },
);
