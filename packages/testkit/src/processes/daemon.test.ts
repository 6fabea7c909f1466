import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startDaemon } from './daemon.ts';

const node = (script: string, more: Partial<Parameters<typeof startDaemon>[0]> = {}) =>
  startDaemon({
    command: process.execPath,
    args: ['-e', script],
    ready: /ready/,
    stopSignal: 'SIGTERM',
    ...more,
  });

const STAY = 'setInterval(() => {}, 1000);';

describe('a daemon', () => {
  it('is handed over when it says that it is ready, and is gone when stopped', async () => {
    const daemon = await node(`setTimeout(() => console.log('ready'), 20); ${STAY}`);
    expect(() => process.kill(daemon.pid, 0)).not.toThrow();
    await daemon.stop();
    expect(await daemon.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(() => process.kill(daemon.pid, 0)).toThrow();
  });

  it('is asked until it is ready', async () => {
    let asked = 0;
    const daemon = await node(STAY, {
      ready: async () => {
        asked += 1;
        return asked === 3;
      },
    });
    expect(asked).toBe(3);
    await daemon.stop();
  });

  it('tells its last words when it ends too early', async () => {
    await expect(node(`console.error('no such thing'); process.exit(3)`)).rejects.toThrow(
      /ended before it was ready.\nno such thing/,
    );
  });

  it('is ended when it is not ready in time', async () => {
    await expect(node(STAY, { startTimeoutMs: 50 })).rejects.toThrow(/was not ready within 0.05 s/);
  });

  it('is ended when nobody wants to wait any longer', async () => {
    const impatience = new AbortController();
    const starting = node(STAY, { signal: impatience.signal });
    impatience.abort(new Error('enough'));
    await expect(starting).rejects.toThrow('enough');
  });

  it('is killed when it does not listen to the polite request', async () => {
    const daemon = await node(`process.on('SIGTERM', () => {}); console.log('ready'); ${STAY}`, {
      graceMs: 50,
    });
    await daemon.stop();
    expect((await daemon.exited).signal).toBe('SIGKILL');
  });

  it('leaves what it prints in its log', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'raypher-daemon-'));
    const logFile = join(folder, 'it.log');
    const daemon = await node(`console.log('first'); setTimeout(() => console.log('ready'), 20); ${STAY}`, {
      logFile,
    });
    await daemon.stop();
    expect(await readFile(logFile, 'utf8')).toBe('first\nready\n');
    await rm(folder, { recursive: true });
  });

  it.runIf(process.platform === 'linux')('does not outlive a parent that is killed', async () => {
    const program = `
      import { startDaemon } from ${JSON.stringify(join(import.meta.dirname, 'daemon.ts'))};
      const child = await startDaemon({
        command: process.execPath,
        args: ['-e', "console.log('ready'); setInterval(() => {}, 1000)"],
        ready: /ready/,
        stopSignal: 'SIGTERM',
      });
      console.log('child', child.pid);`;
    const folder = await mkdtemp(join(tmpdir(), 'raypher-daemon-'));
    const logFile = join(folder, 'parent.log');
    const parent = await startDaemon({
      command: process.execPath,
      args: ['--input-type=module', '-e', program],
      ready: /child \d+/,
      stopSignal: 'SIGTERM',
      logFile,
    });
    // It is ready as soon as it has said so; the log holds that a moment later.
    const said = async () => /child (\d+)\n/.exec(await readFile(logFile, 'utf8'))?.[1];
    await expect.poll(said).toBeDefined();
    const child = Number(await said());
    parent.kill('SIGKILL');
    await parent.exited;
    // The kernel's signal is on its way; the process is no child of ours, so there is no event to await.
    await expect.poll(() => isRunning(child)).toBe(false);
    await rm(folder, { recursive: true });
  });
});

async function isRunning(pid: number): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return state !== '' && !/\) Z /.test(state);
}
