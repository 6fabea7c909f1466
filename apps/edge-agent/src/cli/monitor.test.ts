import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { MAIN, TEST_ENVIRONMENT } from '../testing/command-line.ts';

test('an AI agent is shown when it comes and when it goes, and Ctrl-C is a clean end', async () => {
  const monitor = spawn(process.execPath, [MAIN, 'monitor', '--json', '--data-dir', '/nowhere'], {
    env: { PATH: process.env.PATH, ...TEST_ENVIRONMENT },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: monitor.stdout })[Symbol.asyncIterator]();
  const next = async (
    fits: (line: { event: string; agent?: { processes: { pid: number }[] } }) => boolean,
  ) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error('it ended');
      const line = JSON.parse(value);
      if (fits(line)) return line;
    }
  };
  const watching = await next(({ event }) => event === 'watching');
  expect(watching.processes).toBeGreaterThan(1);
  // The name of a variable makes it one; its value is nothing.
  const agent = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    env: { OPENAI_API_KEY: 'none' },
    stdio: 'ignore',
  });
  const ours = (event: string) =>
    next(
      (line) => line.event === event && line.agent?.processes.some(({ pid }) => pid === agent.pid) === true,
    );
  expect((await ours('appeared')).agent.risk).toBe('critical');
  agent.kill('SIGKILL');
  expect(await ours('vanished')).toBeDefined();
  monitor.kill('SIGINT');
  expect(await once(monitor, 'exit')).toEqual([0, null]);
}, 60_000);
