import { spawnSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createForensicKey, type ForensicKeyFile, openSnapshot, readForensicKey } from '@raypher/vault';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Inventory } from '../discovery/inventory.ts';
import { isAlive, readStat } from '../discovery/stat.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import { Protection } from '../response/protected.ts';
import { signalProcess } from '../response/signal.ts';
import { Stage, withoutRoot } from '../response/spawned.test-support.ts';
import { PYTHON } from '../testing/python.ts';
import { dumpMemory } from './dump-memory.ts';
import { MACHINE_KEY } from './forensic-recipient.ts';
import { Panic, type PanicParts } from './panic.ts';
import { PanicFolder } from './panic-folder.ts';
import type { PanicIntent } from './panic-intent.ts';
import { decodeSnapshot, type Snapshot } from './snapshot.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });
if (withoutRoot !== undefined) console.warn(`panic: ${withoutRoot}`);

const BOOT = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** An AI agent by its manifest: it connects, opens a file, starts a child, and holds a secret wherever it can. */
const BOT = `import { connect } from 'node:net'; import { spawn } from 'node:child_process'; import { openSync } from 'node:fs';
globalThis.file = openSync(new URL('opened.txt', import.meta.url));
globalThis.held = Buffer.from(process.env.MARK ?? '', 'hex').toString('latin1');
const socket = connect(Number(process.argv[2]), '127.0.0.1', () => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  child.on('spawn', () => console.log(child.pid));
});
socket.on('error', () => {}); setInterval(() => {}, 1000);`;

describe.skipIf(withoutRoot !== undefined)('a panic', () => {
  let stage: Stage;
  let folder: string;
  let notes: EventDraft[];
  let organisationKey: ForensicKeyFile | undefined;
  let held: { intents: PanicIntent[]; members: { pid: number; startTime: number }[] };
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  const inventory = new Inventory({ device: 'test', hashBudgetMs: 0 });

  beforeEach(async () => {
    stage = new Stage();
    folder = join(stage.directory, 'panics');
    notes = [];
    organisationKey = undefined;
    held = { intents: [], members: [] };
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    await stage.end();
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  function panicOf(more: Partial<PanicParts> = {}): Panic {
    return new Panic({
      folder: new PanicFolder(folder),
      path: folder,
      sources: {
        organisation: randomUUID(),
        device: randomUUID(),
        inventory,
        entriesSince: () => [],
        connections: () => [],
        posture: () => [{ capability: 'network.proxy', state: 'enforced' }],
      },
      protection: new Protection(),
      cgroups: stage.cgroups(),
      hold: {
        freeze: async (intent) => {
          held.intents.push(intent);
        },
        heldBy: () => held.members,
      },
      organisationKey: () => organisationKey,
      record: async (event) => notes.push(event),
      note: (event) => notes.push(event),
      ...more,
    });
  }

  async function startBot(env: NodeJS.ProcessEnv = {}, parameters: string[] = []) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    stage.write('opened.txt', 'nothing');
    const bot = await stage.start(
      process.execPath,
      [stage.write('bot.mjs', BOT), String(address.port), ...parameters],
      { env: { PATH: process.env.PATH, ...env }, detached: true },
    );
    return { ...bot, port: address.port, child: Number(bot.firstLine) };
  }

  const order = (pid: number, more: object = {}) => ({
    target: { kind: 'process' as const, pid },
    reason: 'incident 42',
    by: 'alice',
    origin: 'device' as const,
    hold: false,
    memory: false,
    ...more,
  });

  async function read(file: string, key: ForensicKeyFile): Promise<{ snapshot: Snapshot; memory: Buffer }> {
    const { content } = await openSnapshot(await readForensicKey(key), readFileSync(file));
    const { snapshot, memory } = decodeSnapshot(content);
    // The test reads what this version wrote.
    return { snapshot: snapshot as Snapshot, memory };
  }

  it('ends the tree, and its snapshot opens with the organisation’s key alone', async () => {
    organisationKey = await createForensicKey('organisation');
    const secret = ['sk', 'live', randomBytes(16).toString('hex')].join('-');
    const bot = await startBot({ SERVICE_TOKEN: secret }, ['--api-key', secret]);

    const report = await panicOf().trigger(order(bot.pid));

    expect(isAlive(bot)).toBe(false);
    expect(readStat(bot.child)?.state ?? 'Z').toBe('Z');
    expect(report).toMatchObject({
      processes: 2,
      severed: 1,
      notSevered: [],
      survivors: [],
      snapshotFault: null,
    });
    expect(report.suspendedMs).toBeLessThan(report.durationMs);
    // bench/response.bench.ts says what it takes; this bound is for machines that do much else.
    expect(report.durationMs).toBeLessThan(20_000);
    const { snapshot: file } = report;
    if (file === null) throw new Error('no snapshot');
    expect(file).toMatchObject({ keyId: organisationKey.keyId, recipient: 'organisation' });
    expect(statSync(file.file).mode & 0o777).toBe(0o600);
    const sealed = readFileSync(file.file);
    expect(createHash('sha256').update(sealed).digest('hex')).toBe(file.sha256);
    expect(sealed.includes('bot.mjs')).toBe(false);
    const stranger = await readForensicKey(await createForensicKey('organisation'));
    await expect(openSnapshot(stranger, sealed)).rejects.toMatchObject({ kind: 'other-key' });

    const { snapshot } = await read(file.file, organisationKey);
    expect(JSON.stringify(snapshot)).not.toContain(secret);
    const main = snapshot.processes.find(({ pid }) => pid === bot.pid);
    expect(main).toMatchObject({
      exePath: process.execPath,
      workingDirectory: stage.directory,
      user: 'root',
      environment: expect.arrayContaining(['PATH', 'SERVICE_TOKEN']),
      commandLine: expect.stringContaining('bot.mjs'),
    });
    expect(main?.files.map(({ target }) => target)).toContain(join(stage.directory, 'opened.txt'));
    expect(Math.abs(Date.parse(main?.startedAt ?? '') - Date.now())).toBeLessThan(120_000);
    expect(snapshot.processes.find(({ pid }) => pid === bot.child)).toMatchObject({ ppid: bot.pid });
    expect(snapshot.sockets).toContainEqual(
      expect.objectContaining({ pids: [bot.pid], protocol: 'tcp', remote: `127.0.0.1:${bot.port}` }),
    );
    expect(snapshot).toMatchObject({ memory: null, panic: { by: 'alice', reason: 'incident 42' } });
    expect(existsSync(join(folder, MACHINE_KEY))).toBe(false);
  });

  it('says in the ledger who, when, why, and what the snapshot hashes to', async () => {
    const bot = await startBot();
    const { snapshot, id } = await panicOf().trigger(order(bot.pid));
    expect(notes.map(({ type }) => type)).toEqual(['panic.started', 'panic.finished']);
    expect(notes[1]).toMatchObject({
      actor: { kind: 'user', name: 'alice' },
      severity: 'warning',
      target: expect.stringContaining(`process ${bot.pid} (`),
      data: {
        panic: id,
        by: 'alice',
        reason: 'incident 42',
        snapshot: snapshot?.sha256,
        snapshotBytes: snapshot?.bytes,
        processes: 2,
        severed: 1,
      },
    });
  });

  it('seals to a key of the machine where the organisation has none, or none that is one', async () => {
    const bot = await startBot();
    const panic = panicOf({ organisationKey: () => ({ keyId: '0'.repeat(16), publicKey: 'A'.repeat(87) }) });
    const { snapshot } = await panic.trigger(order(bot.pid));
    expect(snapshot?.recipient).toBe('machine');
    const path = join(folder, MACHINE_KEY);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const key: ForensicKeyFile = JSON.parse(readFileSync(path, 'utf8'));
    expect(key.holder).toBe('machine');
    const { snapshot: content } = await read(snapshot?.file ?? '', key);
    expect(content.processes).toHaveLength(2);
  });

  it('dumps what a process held in memory only when it is asked to', async () => {
    organisationKey = await createForensicKey('organisation');
    const mark = randomBytes(24);
    const bot = await startBot({ MARK: mark.toString('hex') });
    const { snapshot: file } = await panicOf().trigger(order(bot.pid, { memory: true }));
    const { snapshot, memory } = await read(file?.file ?? '', organisationKey);
    expect(memory.includes(mark)).toBe(true);
    const segments = snapshot.memory?.segments ?? [];
    expect(segments.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(memory.length);
    expect(new Set(segments.map(({ pid }) => pid))).toEqual(new Set([bot.pid, bot.child]));
    expect(JSON.stringify(snapshot)).not.toContain(mark.toString('hex'));
  });

  it('is not held up by a process that has mapped very much and used little of it', async () => {
    const source = `import mmap, time
secret = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
secret.write(b'what it ' + b'works with')
huge = mmap.mmap(-1, 16 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
print('ready', flush=True)
time.sleep(1000)
`;
    const bot = await stage.start(PYTHON, ['-c', source]);
    const dump = await dumpMemory([bot], 4096);
    expect(dump.content.includes('what it works with')).toBe(true);
    expect(dump.gaps).toEqual([expect.stringContaining(`memory of process ${bot.pid}:`)]);
  });

  it('refuses what must not be stopped, and touches nothing', async () => {
    await expect(panicOf().trigger(order(1))).rejects.toMatchObject({ code: 'process/protected' });
    await expect(panicOf().trigger(order(process.pid))).rejects.toMatchObject({ code: 'process/protected' });
    await expect(
      panicOf().trigger(order(1, { target: { kind: 'agent', agent: 'nobody-of-this-name' } })),
    ).rejects.toMatchObject({ code: 'request/not-found' });
    expect(notes).toEqual([]);
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
  });

  it('stops the tree although the snapshot cannot be kept, and says so', async () => {
    const bot = await startBot();
    // A file where the folder should be: nothing can be written, not even the intent.
    writeFileSync(folder, '');
    const report = await panicOf().trigger(order(bot.pid));
    expect(isAlive(bot)).toBe(false);
    expect(report).toMatchObject({ snapshot: null, snapshotFault: expect.any(String) });
    const entry = notes.find(({ type }) => type === 'panic.finished');
    expect(entry).toMatchObject({
      type: 'panic.finished',
      severity: 'critical',
      data: { snapshot: 'none' },
    });
  });

  it('keeps them frozen instead, with their connections ended', async () => {
    const bot = await startBot();
    stage.write('package.json', JSON.stringify({ dependencies: { langchain: '1' } }));
    held.members = [bot, { pid: bot.child, startTime: readStat(bot.child)?.startTime ?? 0 }];
    const agent = {
      id: 'held-agent',
      name: 'bot.mjs',
      processes: [{ pid: bot.pid, startTime: BigInt(bot.startTime) }],
    };
    const snapshot = { ...inventory.current, agents: [agent] };
    const sources = panicSources(snapshot);
    const report = await panicOf({ sources }).trigger(order(bot.pid, { hold: true }));
    expect(held.intents).toMatchObject([{ target: { kind: 'agent', agent: 'held-agent' }, hold: true }]);
    expect(report).toMatchObject({ hold: true, processes: 2, severed: 1 });
    expect(isAlive(bot)).toBe(true);
  });

  function panicSources(current: unknown): PanicParts['sources'] {
    return {
      organisation: randomUUID(),
      device: randomUUID(),
      // Only ids, names and processes of AI agents are read here.
      inventory: { current, refresh: async () => current } as unknown as PanicParts['sources']['inventory'],
      entriesSince: () => [],
      connections: () => [],
      posture: () => [],
    };
  }

  const unfinished = (
    bot: { pid: number; startTime: number },
    more: Partial<PanicIntent> = {},
  ): PanicIntent => ({
    v: 1,
    id: randomUUID(),
    at: new Date().toISOString(),
    by: 'alice',
    reason: 'incident 42',
    origin: 'control plane',
    target: { kind: 'process', pid: bot.pid },
    label: 'bot',
    hold: false,
    memory: false,
    bootId: BOOT,
    roots: [{ pid: bot.pid, startTime: bot.startTime }],
    ...more,
  });

  it('that was cut short by a kill of the service is finished when it starts again', async () => {
    const bot = await startBot();
    const intent = unfinished(bot);
    new PanicFolder(folder).saveIntent(intent);
    // As far as the service came: one is stopped, the other is in the group already and has lost its parent.
    const group = stage.cgroups().create(`panic-${intent.id}`);
    group.setFrozen(true);
    group.add(bot.child);
    signalProcess(bot, 'SIGSTOP');

    await panicOf().resume();

    expect(isAlive(bot)).toBe(false);
    // Those that were killed leave it a moment later.
    await expect.poll(() => group.remove()).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.json'))).toEqual([]);
    expect(notes).toMatchObject([
      { type: 'panic.finished', data: { panic: intent.id, processes: 2, by: 'alice' } },
    ]);
    const { snapshot } = await read(
      join(folder, `${intent.id}.snapshot`),
      JSON.parse(readFileSync(join(folder, MACHINE_KEY), 'utf8')),
    );
    expect(snapshot.processes.map(({ pid }) => pid).sort()).toEqual([bot.pid, bot.child].sort());
  });

  it('is finished after a kill -9 of whoever carries it out, wherever that hits', async () => {
    const bot = await startBot();
    mkdirSync(folder, { mode: 0o700 });
    const begun = Promise.withResolvers<void>();
    // The intent is there before anything is touched, and stays until the killed one would have had its record.
    const watcher = watch(folder, (_, name) => {
      if (name?.endsWith('.intent.json') === true) begun.resolve();
    });
    const script = new URL('panic-until-killed.ts', import.meta.url).pathname;
    const service = await stage.start(process.execPath, [
      script,
      folder,
      String(bot.pid),
      stage.cgroupFolder,
    ]);
    await begun.promise;
    watcher.close();
    const gone = once(service.child, 'exit');
    service.child.kill('SIGKILL');
    expect(await gone).toEqual([null, 'SIGKILL']);

    await panicOf().resume();

    expect(isAlive(bot)).toBe(false);
    expect(readStat(bot.child)?.state ?? 'Z').toBe('Z');
    expect(notes).toMatchObject([{ type: 'panic.finished', data: { by: 'alice', memory: true } }]);
    const names = readdirSync(folder);
    expect(names.filter((name) => name.endsWith('.intent.json'))).toEqual([]);
    expect(names.filter((name) => name.endsWith('.snapshot'))).toHaveLength(1);
  });

  it('finds in its control group what nobody else knows of any more', async () => {
    const orphan = await stage.start('sh', ['-c', 'echo ready; while :; do sleep 0.2; done'], {
      detached: true,
    });
    const intent = unfinished({ pid: 2 ** 22 - 1, startTime: 1 });
    new PanicFolder(folder).saveIntent(intent);
    const group = stage.cgroups().create(`panic-${intent.id}`);
    group.setFrozen(true);
    group.add(orphan.pid);
    await panicOf().resume();
    expect(isAlive(orphan)).toBe(false);
  });

  it('is only reported after a restart of the machine: the pids are other processes by then', async () => {
    const innocent = await stage.start('sh', ['-c', 'echo ready; sleep 1000'], { detached: true });
    new PanicFolder(folder).saveIntent(unfinished(innocent, { bootId: 'another boot' }));
    await panicOf().resume();
    expect(isAlive(innocent)).toBe(true);
    expect(notes).toMatchObject([
      { type: 'panic.interrupted', severity: 'critical', data: { snapshot: 'none' } },
    ]);
    expect(new PanicFolder(folder).unfinished().intents).toEqual([]);
  });

  it('whose intent was tampered with is reported, and nothing is done', async () => {
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, 'x.intent.json'), '{"roots":[{"pid":2}]}');
    await panicOf().resume();
    await panicOf().resume();
    expect(notes).toMatchObject([{ type: 'tamper.suspected', target: 'x.intent.json' }]);
  });
});

describe('the folder of panics', () => {
  it('keeps a bounded number of snapshots, the newest always', async () => {
    const stage = new Stage();
    try {
      const folder = new PanicFolder(join(stage.directory, 'p'), { snapshots: 3, bytes: 1000 });
      const ids = Array.from({ length: 4 }, () => randomUUID());
      const removed = ids.map((id) => {
        const kept = folder.keep(id, randomBytes(10));
        // Files of one moment have no order.
        spawnSync('touch', ['-d', `@${1_700_000_000 + ids.indexOf(id)}`, kept.file]);
        return kept.removed;
      });
      expect(removed).toEqual([[], [], [], [ids[0]]]);
      const large = randomUUID();
      expect(folder.keep(large, randomBytes(2000)).removed.sort()).toEqual(ids.slice(1).sort());
    } finally {
      await stage.end();
    }
  });
});
