import { once } from 'node:events';
import fs, { readFileSync, realpathSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Stage, until } from '../response/spawned.test-support.ts';
import { END_THIS_THREAD, OUTLIVING_SCRIPT, PYTHON } from '../testing/python.ts';
import { scanProcesses } from './scan.ts';
import { isAlive, parseStat, readAllStats, readStat } from './stat.ts';

const FIELDS =
  'S 17 42 43 0 -1 4194304 1 2 3 4 250 50 0 0 20 0 1 0 98765 4096000 512 18446744073709551615 11 12 13 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 14 15 16 17 0';

describe('parseStat', () => {
  it.each([
    ['node', 'node'],
    ['a name) S 1 1 (with parentheses', 'a name) S 1 1 (with parentheses'],
    ['two\nlines', 'two\nlines'],
    [')', ')'],
    ['', ''],
  ])('counts fields from the last parenthesis when the name is %j', (name, expected) => {
    expect(parseStat(`4242 (${name}) ${FIELDS}`)).toEqual({
      pid: 4242,
      name: expected,
      state: 'S',
      ppid: 17,
      pgid: 42,
      session: 43,
      kernelThread: false,
      cpuTicks: 300,
      startTime: 98765,
      threads: 1,
      shownUnder: 4242,
      virtualBytes: 4096000,
      residentPages: 512,
      image: '11.13.14.16',
    });
  });

  it('knows threads of the kernel by their flag, not by their name', () => {
    expect(parseStat(`7 ([kworker/0:0]) ${FIELDS}`)?.kernelThread).toBe(false);
    expect(parseStat(`7 (kworker/0:0) ${FIELDS.replace('4194304', '69238880')}`)?.kernelThread).toBe(true);
  });

  it.each(['', 'nonsense', '12 (short) S 1 2', 'x (name) S'])('refuses %j', (text) => {
    expect(parseStat(text)).toBeUndefined();
  });
});

describe('readStat', () => {
  it('reads this process', () => {
    expect(readStat(process.pid)).toMatchObject({ pid: process.pid, ppid: process.ppid });
    expect(readAllStats().get(process.pid)?.startTime).toBe(readStat(process.pid)?.startTime);
  });

  it('takes another start time for another process', () => {
    const startTime = readStat(process.pid)?.startTime ?? 0;
    expect(isAlive({ pid: process.pid, startTime })).toBe(true);
    expect(isAlive({ pid: process.pid, startTime: startTime - 1 })).toBe(false);
  });
});

describe('a process whose first thread has ended', () => {
  const stage = new Stage();
  afterAll(() => stage.end());

  it('lives as long as another one runs, and is what it was', async () => {
    const bot = await stage.start(PYTHON, [stage.write('bot.py', OUTLIVING_SCRIPT), 'an argument']);
    expect(readFileSync(`/proc/${bot.pid}/cmdline`, 'utf8')).toBe('');
    const stat = readStat(bot.pid);
    expect(stat).toMatchObject({ pid: bot.pid, startTime: bot.startTime, threads: 2 });
    expect(stat?.shownUnder).not.toBe(bot.pid);
    expect(isAlive(bot)).toBe(true);
    const found = (await scanProcesses()).find(({ pid }) => pid === bot.pid);
    expect(found?.argv.slice(1)).toEqual([stage.write('bot.py', OUTLIVING_SCRIPT), 'an argument']);
    expect(found).toMatchObject({ confidence: 'full', exePath: realpathSync(PYTHON), image: stat?.image });
    expect(found?.exeSha256).toMatch(/^[0-9a-f]{64}$/);

    const closed = once(bot.child, 'close');
    process.kill(bot.pid, 'SIGKILL');
    await closed;
    expect(isAlive(bot)).toBe(false);
  });

  it('is read as quickly when it has very many', async () => {
    const source = `import threading, time
threading.stack_size(65536)
for _ in range(1000): threading.Thread(target=time.sleep, args=(1000,)).start()
print('ready', flush=True)
${END_THIS_THREAD}
`;
    const bot = await stage.start(PYTHON, [stage.write('many.py', source)]);
    await until('its first thread has ended', () => readStat(bot.pid)?.shownUnder !== bot.pid);
    const opened = vi.spyOn(fs, 'openSync');
    syncBuiltinESMExports();
    try {
      expect(readStat(bot.pid)).toMatchObject({ pid: bot.pid, threads: 1001 });
      expect(opened.mock.calls.length).toBeLessThan(10);
    } finally {
      opened.mockRestore();
      syncBuiltinESMExports();
    }
  });
});
