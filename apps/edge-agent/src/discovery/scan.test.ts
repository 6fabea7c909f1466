import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  BUSY_SCRIPT,
  Stage,
  ticksOf,
  until,
  untilTicksAdvance,
  withoutRoot,
} from '../response/spawned.test-support.ts';
import { PYTHON } from '../testing/python.ts';
import { ExecutableHasher } from './exe-hash.ts';
import { ProcessScanner, type ScannedProcess, scanProcesses } from './scan.ts';
import { readStat } from './stat.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

if (withoutRoot !== undefined) console.warn(`scan: ${withoutRoot}`);

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.end());

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('scanProcesses', () => {
  it('describes this process in full', async () => {
    const self = (await scanProcesses()).find(({ pid }) => pid === process.pid);
    expect(self).toMatchObject({
      pid: process.pid,
      ppid: process.ppid,
      exePath: readlinkSync('/proc/self/exe'),
      exeSha256: sha256('/proc/self/exe'),
      uid: process.geteuid?.(),
      confidence: 'full',
      reasons: [],
      kernelThread: false,
    });
    expect(self?.rssBytes).toBeGreaterThan(10_000_000);
  });

  it('hashes the program that runs, also when its file is deleted or replaced', async () => {
    const path = join(stage.directory, 'tool');
    copyFileSync('/bin/sh', path);
    appendFileSync(path, 'first');
    const expected = sha256(path);
    const tool = await stage.start(path, [
      '-c',
      `rm ${path}; echo other > ${path}; echo ready; sleep 1000 & wait`,
    ]);
    const found = (await scanProcesses()).find(({ pid }) => pid === tool.pid);
    expect(found).toMatchObject({ exePath: path, exeSha256: expected, confidence: 'full' });
  });

  it('hashes a program through another process when the first that runs it has ended', async () => {
    const ended = spawnSync('true');
    const hasher = new ExecutableHasher();
    const stats = statSync('/proc/self/exe', { bigint: true });
    const outcomes = [`/proc/${ended.pid}/exe`, '/proc/self/exe'].map((path) => hasher.hash(path, stats));
    for (const outcome of outcomes) if (outcome.state === 'pending') await outcome.done;
    expect(hasher.hash('/proc/self/exe', stats)).toEqual({
      state: 'hashed',
      sha256: sha256('/proc/self/exe'),
    });
  });

  it('tells the share of a processor since the scan before', async () => {
    const busy = await stage.start(process.execPath, ['-e', BUSY_SCRIPT]);
    const scanner = new ProcessScanner();
    const look = () => ({ ticks: ticksOf(busy), atMs: performance.now() });
    const [before, first] = [look(), await scanner.scan().then(look)];
    await untilTicksAdvance(busy, 20);
    const last = look();
    const found = (await scanner.scan()).find(({ pid }) => pid === busy.pid);
    const after = look();
    // Between what it used at least and at most, however much of a processor the machine leaves it; 100 ticks a second.
    const share = (ticks: number, ms: number) => (ticks * 10) / ms;
    expect(found?.cpuShare).toBeGreaterThanOrEqual(share(last.ticks - first.ticks, after.atMs - before.atMs));
    expect(found?.cpuShare).toBeLessThanOrEqual(share(after.ticks - before.ticks, last.atMs - first.atMs));
  });

  it('notices that a process executes another program, and the same program with other arguments', async () => {
    execFileSync('mkfifo', [join(stage.directory, 'go')]);
    const stay = 'while :; do sleep 0.1; done';
    const process_ = await stage.start('sh', [
      '-c',
      `echo 1; read go < ${stage.directory}/go; exec sh -c "${stay}" second`,
    ]);
    const scanner = new ProcessScanner();
    const argvOf = async () => (await scanner.scan()).find(({ pid }) => pid === process_.pid)?.argv.at(-1);
    expect(await argvOf()).toContain('exec sh');
    writeFileSync(join(stage.directory, 'go'), 'go\n');
    await until('the second program is seen', async () => (await argvOf()) === 'second');
  });

  it('notices it also of a process whose addresses are not random', async () => {
    // The same interpreter with as many letters: every address is the same.
    const source = `import ctypes, os, sys, time
ctypes.CDLL(None).personality(0x0040000)
step = {'start': 'first', 'first': 'again'}.get(sys.argv[1])
if step == 'again':
    print('ready', flush=True)
    while not os.path.exists('go'): time.sleep(0.01)
if step: os.execv(sys.executable, [sys.executable, sys.argv[0], step])
time.sleep(1000)
`;
    const program = await stage.start(PYTHON, [stage.write('program.py', source), 'start']);
    const scanner = new ProcessScanner();
    const look = async () => (await scanner.scan()).find(({ pid }) => pid === program.pid);
    const before = { found: await look(), stat: readStat(program.pid) };
    expect(before.found?.argv.at(-1)).toBe('first');
    expect((await look())?.image).toBe(before.found?.image);
    stage.write('go', '');
    await until('the second program is seen', async () => (await look())?.argv.at(-1) === 'again');
    expect(readStat(program.pid)?.image).toBe(before.stat?.image);
    expect((await look())?.image).not.toBe(before.found?.image);
  });

  it('looks anew at what is said to have executed a program, whatever it seems to be', async () => {
    const scanner = new ProcessScanner();
    const imageOf = (all: ScannedProcess[] | undefined) => all?.find(({ pid }) => pid === process.pid)?.image;
    const first = imageOf(await scanner.scan());
    expect(imageOf(await scanner.rescan([process.pid]))).toBe(first);
    const second = imageOf(await scanner.rescan([process.pid], {}, new Set([process.pid])));
    expect(second).not.toBe(first);
    expect(imageOf(await scanner.rescan([process.pid]))).toBe(second);
  });

  it('keeps a bounded part of the arguments of a process, which its children share for nothing', async () => {
    const words = Array.from({ length: 20_000 }, (_, index) => `--word=${index}`);
    const talker = await stage.start('sh', ['-c', 'echo ready; sleep 1000 & wait', 'sh', ...words]);
    const found = (await scanProcesses()).find(({ pid }) => pid === talker.pid);
    expect(found).toMatchObject({ argvIsCut: true, confidence: 'partial' });
    expect(found?.reasons).toContain('arguments: only the first ones are kept');
    expect(found?.argv.length).toBeLessThanOrEqual(1024);
    expect(found?.argv.join(' ').length).toBeLessThanOrEqual(32 * 1024);
  });

  it('waits for nobody who keeps others from a file', async () => {
    const path = stage.write('script.py', 'pass');
    const stats = statSync(path, { bigint: true });
    // A write lease: whoever opens the file waits until it is given back, 45 seconds by default.
    await stage.start(PYTHON, [
      '-c',
      `import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('ready', flush=True)
time.sleep(1000)`,
      path,
    ]);
    const pipe = join(stage.directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const hasher = new ExecutableHasher();
    const started = performance.now();
    for (const way of [path, pipe]) {
      const outcome = hasher.hash(way, stats);
      if (outcome.state === 'pending') await outcome.done;
      expect(hasher.hash(way, stats).state).toBe('pending');
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('lists threads of the kernel as such', async () => {
    const all = await scanProcesses();
    const threads = all.filter(({ kernelThread }) => kernelThread);
    if (all.some(({ pid, name }) => pid === 2 && name === 'kthreadd'))
      expect(threads.length).toBeGreaterThan(1);
    for (const thread of threads) expect(thread).toMatchObject({ exePath: '', confidence: 'full' });
  });

  it('takes less than 50 ms for 300 processes once it knows them', async () => {
    const scanner = new ProcessScanner();
    const count = (await scanner.scan()).length;
    // The best of several: what else the machine does in that moment is not the scanner's time.
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 9; round += 1) {
      const started = performance.now();
      await scanner.scan();
      best = Math.min(best, performance.now() - started);
    }
    expect((best / count) * 300).toBeLessThan(50);
  });
});

describe.skipIf(withoutRoot !== undefined)('as an unprivileged user', () => {
  it('misses no process and marks those of others', async () => {
    const module = fileURLToPath(new URL('./scan.ts', import.meta.url));
    const other = await stage.start('sh', ['-c', 'echo ready; while :; do sleep 0.1; done']);
    const before = pids();

    // Drops its rights itself: the checkout may lie where nobody else can start a program.
    const source = `const { scanProcesses } = await import(${JSON.stringify(module)});
      process.setgroups([]); process.setgid(65534); process.setuid(65534);
      console.log(JSON.stringify(await scanProcesses()));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], {
      maxBuffer: 2 ** 26,
    });

    const seen: ScannedProcess[] = JSON.parse(stdout);
    const found = new Set(seen.map(({ pid }) => pid));
    const after = new Set(pids());
    expect(before.filter((pid) => after.has(pid) && !found.has(pid))).toEqual([]);
    expect(seen.find(({ pid }) => pid === other.pid)).toMatchObject({
      confidence: 'low',
      user: 'root',
      exePath: '',
      reasons: ['executable: denied'],
      argv: expect.arrayContaining(['sh']),
    });
    expect(seen.find(({ pid }) => pid === 1)?.confidence).toBe('low');
  });
});

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
