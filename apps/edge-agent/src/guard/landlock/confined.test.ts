import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { landlockAbi } from '../../native/landlock.ts';
import type { GuardPolicy } from '../guard-policy.ts';
import { COMPAT_EXIT, NO_COMPAT_CALLS, takesCompatCalls } from '../testing/compat-calls.ts';
import { policyOf } from '../testing/policy-of.ts';
import { smallProgram } from '../testing/small-program.ts';
import { confine } from './confine.ts';
import { probeLandlock } from './landlock-canary.ts';
import { startConfined } from './start-confined.ts';

/** What there is on this machine; a machine without it cannot run these tests. */
const missing = ((): string | undefined => {
  try {
    landlockAbi();
    return undefined;
  } catch (error) {
    return String(error);
  }
})();

interface Ended {
  code: number | null;
  signal: string | null;
  output: string;
  errors: string;
}

describe.skipIf(missing !== undefined)(`commands under Landlock (${missing ?? 'here'})`, () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'raypher-confined-')));
  const at = (name: string): string => join(root, name);
  const DB = at('data/production.db');
  const KEY = at('keys/id_ed25519');

  beforeAll(() => {
    for (const folder of ['data', 'keys', 'work', 'own']) mkdirSync(at(folder));
    writeFileSync(DB, 'rows');
    writeFileSync(KEY, 'private');
    writeFileSync(at('work/notes'), 'mine');
    symlinkSync(KEY, at('work/link-to-key'));
    copyFileSync('/bin/true', at('work/tool'));
    chmodSync(at('work/tool'), 0o755);
  });

  const policy = policyOf([
    { id: 'production', operations: ['write', 'delete'], paths: [DB] },
    { id: 'keys', paths: [at('keys/**')] },
    { id: 'shells', programs: ['bash'] },
  ]);

  async function run(command: string, args: readonly string[], held: GuardPolicy = policy): Promise<Ended> {
    const answer = {
      policy: held,
      filesAreHeld: false,
      ownPaths: [at('own')],
      readablePaths: [at('own/bundle.pem')],
    };
    const confinement = confine(answer, process.env.PATH);
    if (confinement === undefined) throw new Error('nothing to be held to');
    const env = { PATH: process.env.PATH, HOME: root };
    const child = startConfined({ group: null, confinement, command, args, env }, 'pipe');
    child.stdin?.end();
    if (child.stdout === null || child.stderr === null) throw new Error('no output');
    const [output, errors, [code, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    return { code, signal, output, errors };
  }

  /** Many attempts share one start: each prints its name where it succeeded. */
  async function attempt(attempts: Readonly<Record<string, string>>): Promise<string[]> {
    const script = Object.entries(attempts).map(
      ([name, line]) => `(${line}) >/dev/null 2>&1 && echo ${name}`,
    );
    const { output } = await run('/bin/sh', ['-c', `${script.join('\n')}\ntrue`]);
    return output.split('\n').filter((line) => line !== '');
  }

  const node = (source: string, ...args: string[]) => run(process.execPath, ['-e', source, ...args]);

  test('the production database cannot be removed, replaced or changed, by any way (K4)', async () => {
    const succeeded = await attempt({
      read: `cat ${DB}`,
      'work-elsewhere': `echo x > ${at('work/new')} && mv ${at('work/new')} ${at('work/newer')} && rm ${at('work/newer')}`,
      remove: `rm -f ${DB} && ! test -e ${DB}`,
      unlink: `unlink ${DB}`,
      write: `echo gone > ${DB}`,
      append: `echo gone >> ${DB}`,
      truncate: `truncate -s 0 ${DB}`,
      'rename-away': `mv ${DB} ${at('work/db')}`,
      'rename-over': `mv -f ${at('work/notes')} ${DB}`,
      'rename-folder': `mv ${at('data')} ${at('data2')}`,
      'link-and-write': `ln ${DB} ${at('work/db2')} && echo gone > ${at('work/db2')}`,
      'through-proc': `rm -f /proc/self/root${DB} && ! test -e ${DB}`,
      'write-through-proc': `echo gone > /proc/self/root${DB}`,
      'through-parent': `cd ${at('work')} && rm ../data/production.db`,
      'in-the-background': `setsid sh -c "rm ${DB}"`,
      'in-a-pipe': `echo ${DB} | xargs rm`,
      python: `python3 -c "import os; os.remove('${DB}')"`,
    });
    expect(succeeded).toEqual(['read', 'work-elsewhere']);
    expect(readFileSync(DB, 'utf8')).toBe('rows');
    expect(existsSync(at('work/db2'))).toBe(false);
  }, 60_000);

  test('keys cannot be read under any name', async () => {
    const succeeded = await attempt({
      'read-elsewhere': `cat ${at('work/notes')}`,
      read: `cat ${KEY}`,
      'read-through-link': `cat ${at('work/link-to-key')}`,
      'read-through-new-link': `ln -s ${KEY} ${at('work/soft')} && cat ${at('work/soft')}`,
      'read-through-hard-link': `ln ${KEY} ${at('work/hard')} && cat ${at('work/hard')}`,
      'read-through-proc': `cat /proc/self/root${KEY}`,
      'read-through-cwd': `cd ${at('keys')} && cat /proc/self/cwd/id_ed25519`,
      copy: `cp ${KEY} ${at('work/copy')}`,
      move: `mv ${KEY} ${at('work/moved')}`,
      'move-folder': `mv ${at('keys')} ${at('work/keys')}`,
      'put-a-key-there': `echo mine > ${at('keys/authorized_keys')}`,
      'own-files': `echo > ${at('own/store')}`,
    });
    expect(succeeded).toEqual(['read-elsewhere']);
  }, 60_000);

  test('a denied shell starts in no way (K5)', async () => {
    const bash = '/bin/bash';
    const succeeded = await attempt({
      'other-programs': at('work/tool'),
      run: `${bash} -c true`,
      'by-name': 'bash -c true',
      piped: 'echo true | bash',
      'to-a-pipe': 'bash -c "echo hi" | cat | grep -q hi',
      login: 'exec -a -bash bash -c true',
      copied: `cp ${bash} ${at('work/b')} && ${at('work/b')} -c true`,
      'through-the-loader': `/lib64/ld-linux-x86-64.so.2 ${bash} -c true`,
      'through-env': 'env bash -c true',
      'through-python': `python3 -c "import os; os.execv('${bash}', ['sh', '-c', 'true'])"`,
      'linked-softly': `ln -s ${bash} ${at('work/sb')} && ${at('work/sb')} -c true`,
      'linked-hard': `ln ${bash} ${at('work/hb')} && ${at('work/hb')} -c true`,
      'a-script-of-it': `printf '#!/bin/bash\\ntrue\\n' > ${at('work/s')} && chmod +x ${at('work/s')} && ${at('work/s')}`,
    });
    expect(succeeded).toEqual(['other-programs']);
  }, 60_000);

  test('nor is it started with a socket for its standard streams', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).end('true\n')).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const { output } = await node(
      `const s = require('net').connect(${port}, '127.0.0.1', () => {
         const c = require('child_process').spawn('bash', ['-i'], { stdio: [s, s, s] });
         c.on('error', (e) => { console.log(e.code); s.destroy(); });
         c.on('spawn', () => { console.log('started'); c.kill('SIGKILL'); s.destroy(); });
       });`,
    );
    server.close();
    expect(output).toBe('EACCES\n');
  }, 60_000);

  test('system calls that lead around it are refused, in children as well', async () => {
    const script = `
      const koffi = require(${JSON.stringify(koffiPath())});
      const syscall = koffi.load('libc.so.6').func('long syscall(long n, ...)');
      const x64 = process.arch === 'x64';
      const call = (name, n, ...args) => {
        const r = Number(syscall(n, ...args.flatMap((a) => ['long', a])));
        console.log(name, r === -1 ? koffi.errno() : 'done ' + r);
      };
      call('ptrace', x64 ? 101 : 117, 0, 0, 0, 0);
      call('process_vm_readv', x64 ? 310 : 270, process.ppid, 0, 0, 0, 0, 0);
      call('bpf', x64 ? 321 : 280, 0, 0, 0);
      call('io_uring_setup', 425, 1, 0);
      call('userfaultfd', x64 ? 323 : 282, 0);
      call('unshare', x64 ? 272 : 97, 0x10000000);
      call('clone', x64 ? 56 : 220, 0x10000000 | 17, 0, 0, 0, 0);
      call('setns', x64 ? 308 : 268, 0, 0);
      call('mount', x64 ? 165 : 40, 0, 0, 0, 0, 0);
      call('fsopen', 430, 0, 0);
      call('open_by_handle_at', x64 ? 304 : 265, 0, 0, 0);
      call('pidfd_getfd', 438, 0, 0, 0);
      call('perf_event_open', x64 ? 298 : 241, 0, 0, 0, 0, 0);
      call('keyctl', x64 ? 250 : 219, 0, 0, 0, 0, 0);
      call('packets', x64 ? 41 : 198, 17, 3, 0);
      call('raw', x64 ? 41 : 198, 2, 3, 1);
      if (x64) call('x32', 0x40000000 + 39);
      else console.log('x32 1');
      call('clone3', 435, 0, 0);
      call('getpid', x64 ? 39 : 172);`;
    const spawned = `require('child_process').spawnSync(process.execPath, ['-e', process.argv[1]], { stdio: 'inherit' })`;
    const { output } = await node(spawned, script);
    const lines = output.trim().split('\n');
    expect(lines.pop()).toMatch(/^getpid done \d+$/);
    expect(lines.pop()).toBe('clone3 38');
    expect(lines).toHaveLength(17);
    for (const line of lines) expect(line).toMatch(/ 1$/);
  }, 60_000);

  test.skipIf(process.arch !== 'x64')(
    'a program that uses 32-bit system calls is killed (x64)',
    async ({ skip }) => {
      if (!takesCompatCalls(at('work'))) return skip(NO_COMPAT_CALLS);
      smallProgram(at('work/old'), COMPAT_EXIT);
      expect((await run(at('work/old'), [])).signal).toBe('SIGSYS');
    },
    60_000,
  );

  test('other processes are not signalled, and not held', async () => {
    const other = spawn('/bin/cat', { stdio: ['pipe', 'ignore', 'ignore'] });
    const [{ output }] = await Promise.all([
      node(`try { process.kill(${other.pid}, 'SIGTERM'); console.log('sent'); } catch (e) { console.log(e.code); }
        const c = require('child_process').spawn('/bin/cat');
        c.on('exit', (_, s) => console.log('own', s)); c.kill('SIGTERM');`),
    ]);
    expect(output).toBe('EPERM\nown SIGTERM\n');
    expect(other.exitCode).toBeNull();
    other.stdin.end();
    await once(other, 'exit');
    // This process started it and is free.
    expect(readFileSync(KEY, 'utf8')).toBe('private');
    writeFileSync(at('data/beside'), '');
    linkSync(at('data/beside'), at('work/beside'));
  }, 60_000);

  test('exit codes and signals are those of the command, and Node.js leaves no trace in it', async () => {
    expect(await run('/bin/sh', ['-c', 'exit 7'])).toMatchObject({ code: 7, signal: null });
    expect(await run('/bin/sh', ['-c', 'kill -9 $$'])).toMatchObject({ code: null, signal: 'SIGKILL' });
    const look = 'grep -E "^Sig(Ign|Blk)|^Threads" /proc/self/status; ls /proc/self/fd | wc -l; ulimit -a';
    const free = spawn('/bin/sh', ['-c', look], { stdio: ['ignore', 'pipe', 'inherit'] });
    const expected = await text(free.stdout);
    expect((await run('/bin/sh', ['-c', look])).output).toBe(expected);
  }, 60_000);

  test('a command that cannot be started says so with the exit codes of a shell', async () => {
    expect(await run('raypher-no-such-command', [])).toMatchObject({
      code: 127,
      errors: expect.stringContaining('raypher-no-such-command cannot be started: it was not found'),
    });
    expect(await run('bash', ['-c', 'true'])).toMatchObject({
      code: 126,
      errors: expect.stringContaining('it may not be executed'),
    });
    writeFileSync(at('work/headless'), 'echo "from $1"\n', { mode: 0o755 });
    expect(await run(at('work/headless'), ['here'])).toMatchObject({ code: 0, output: 'from here\n' });
  }, 60_000);

  test('one line says what holds and what does not', async () => {
    const { errors } = await run('/bin/true', []);
    expect(errors.trim().split('\n')).toHaveLength(1);
    expect(errors).toMatch(
      /^raypher: files and programs: held by Landlock \(ABI \d+\); system calls: filtered; /,
    );
    expect(errors).toContain('2 parts of the policy are not held: global/shells: bash outside the folders');
  }, 60_000);

  test('where programs are a list, what comes from memory or from elsewhere does not run', async () => {
    const listed = policyOf(
      [
        { verdict: 'allow', programs: ['sh', 'dash', 'python3', 'python3.*', 'cp', 'cat', 'env'] },
        { verdict: 'allow', operations: ['read', 'write', 'delete'] },
      ],
      { fallback: 'deny' },
    );
    const memory = `import os; fd = os.memfd_create("x", 0)`;
    const { output } = await run(
      '/bin/sh',
      [
        '-c',
        `cat ${at('work/notes')}; /bin/true && echo true; cp /bin/true ${at('work/t')}; ${at('work/t')} && echo copy
         /usr/bin/python3 -c '${memory}' && echo memory`,
      ],
      listed,
    );
    expect(output).toBe('mine');
  }, 60_000);

  test('its canary is refused what it tries', async () => {
    expect(await probeLandlock()).toMatchObject({ state: 'enforced' });
  }, 60_000);

  afterAll(() => {
    expect(readFileSync(DB, 'utf8')).toBe('rows');
  });
});

function koffiPath(): string {
  return import.meta.resolve('koffi').replace('file://', '');
}
