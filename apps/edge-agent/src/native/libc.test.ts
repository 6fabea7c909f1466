import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errnoName, ProcessHandle } from './libc.ts';

describe('ProcessHandle', () => {
  it('signals the process it was opened on, and says when that has ended', async () => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(child, 'spawn');
    using handle = ProcessHandle.open(child.pid ?? 0);
    expect(handle?.signal('probe')).toBe(true);

    const exited = once(child, 'exit');
    expect(handle?.signal('SIGKILL')).toBe(true);
    expect(await exited).toEqual([null, 'SIGKILL']);

    expect(handle?.signal('SIGKILL')).toBe(false);
  });

  it('is not opened on what does not exist', () => {
    expect(ProcessHandle.open(4_194_300)).toBeUndefined();
    expect(ProcessHandle.open(-1)).toBeUndefined();
  });

  it('is not opened on a thread: its number is no pid', () => {
    const thread = readdirSync('/proc/self/task').find((id) => Number(id) !== process.pid);
    expect(thread).toBeDefined();
    expect(ProcessHandle.open(Number(thread))).toBeUndefined();
  });

  it('does nothing once closed', () => {
    const handle = ProcessHandle.open(process.pid);
    handle?.close();
    handle?.close();
    expect(handle?.signal('SIGKILL')).toBe(false);
  });
});

describe('errnoName', () => {
  it.each([
    [3, 'ESRCH'],
    [1, 'EPERM'],
    [99, 'errno 99'],
  ])('%i is %s', (number, name) => {
    expect(errnoName(number)).toBe(name);
  });
});
