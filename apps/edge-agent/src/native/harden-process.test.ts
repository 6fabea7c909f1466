import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { hardenProcess } from './harden-process.ts';

/** The account that owns nothing, so that root's files are not its own. */
const NOBODY = 65534;
const MODULE = new URL('./harden-process.ts', import.meta.url).href;
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process of another account that says when it is ready, hardened or not. */
async function start(hardened: boolean): Promise<number> {
  const code = `${hardened ? `console.error((await import(${JSON.stringify(MODULE)})).hardenProcess());` : ''}
    console.log('ready'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    uid: NOBODY,
    gid: NOBODY,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout, 'data');
  if (child.pid === undefined) throw new Error('no process');
  return child.pid;
}

test.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
  'a hardened process is not its own user’s to look into, and has no room for a core',
  async () => {
    const [plain, hardened] = [await start(false), await start(true)];
    // The kernel gives the files of a process that is not dumpable to root (proc(5)).
    expect(statSync(`/proc/${plain}/environ`).uid).toBe(NOBODY);
    expect(statSync(`/proc/${hardened}/environ`).uid).toBe(0);
    expect(readFileSync(`/proc/${hardened}/limits`, 'utf8')).toMatch(/Max core file size +0 +0 /);
  },
);

test('keys of providers are taken out of the environment, and nothing else', () => {
  const environment = {
    OPENAI_API_KEY: 'a',
    ANTHROPIC_API_KEY: 'b',
    GOOGLE_API_KEY: 'c',
    PATH: '/bin',
    RAYPHER_X: '1',
  };
  hardenProcess(environment);
  expect(environment).toEqual({ PATH: '/bin', RAYPHER_X: '1' });
  expect(process.report).toMatchObject({ excludeEnv: true, reportOnFatalError: false });
});

test.each([
  ['that was open already', ['--inspect=127.0.0.1:0']],
  ['that SIGUSR1 asks for', []],
])('a hardened process has no inspector, neither one %s', async (_, options) => {
  const code = `const { url } = await import('node:inspector');
    const before = url() !== undefined;
    (await import(${JSON.stringify(MODULE)})).hardenProcess();
    const told = new Promise((resolve) => process.once('SIGUSR1', resolve));
    // A signal's listener alone keeps no process running.
    const running = setInterval(() => {}, 1000);
    process.kill(process.pid, 'SIGUSR1');
    await told;
    clearInterval(running);
    console.log(JSON.stringify({ before, after: url() !== undefined }));`;
  const child = spawn(process.execPath, [...options, '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  const [line] = await once(child.stdout, 'data');
  expect(JSON.parse(String(line))).toEqual({ before: options.length > 0, after: false });
});
