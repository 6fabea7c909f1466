import { describe, expect, it } from 'vitest';
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
