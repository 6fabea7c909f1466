import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, it, vi } from 'vitest';
import { MAIN, TEST_ENVIRONMENT } from '../testing/command-line.ts';

/** Starting a process takes long on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'raypher-allow-'));
const { username } = userInfo();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function raypher(...list: string[]): Promise<{ code: unknown; output: string }> {
  const child = spawn(process.execPath, [MAIN, 'allow', ...list, '--data-dir', join(folder, 'agent')], {
    env: { PATH: process.env.PATH, ...TEST_ENVIRONMENT, HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await closed;
  return { code, output: out + err };
}

it('allows, lists and takes back without a running service', async () => {
  const program = join(folder, 'bot');
  copyFileSync('/bin/true', program);
  const allowed = await raypher(program, '--user', username);
  expect(allowed).toMatchObject({ code: 0, output: expect.stringContaining(`Allowed: ${program}`) });
  expect((await raypher('--list')).output).toMatch(new RegExp(`${username} .*${program}`));
  const entries = JSON.parse((await raypher('--list', '--json')).output);
  expect(entries).toEqual([expect.objectContaining({ path: program, uid: userInfo().uid })]);

  expect(await raypher('--remove', program)).toMatchObject({ code: 0 });
  expect((await raypher('--list')).output).toContain('Nothing is allowed');
  expect(await raypher('--remove', program)).toMatchObject({ code: 2 });
});

it('says when others than root can change what was allowed', async () => {
  const program = join(folder, 'theirs');
  copyFileSync('/bin/true', program);
  chmodSync(program, 0o777);
  const allowed = await raypher(program, '--user', username);
  expect(allowed).toMatchObject({ code: 0, output: expect.stringContaining('where only root can write') });
  expect((await raypher('/bin/true', '--user', username)).output).not.toContain('only root');
});

it('explains why a bare interpreter is not allowed', async () => {
  const refused = await raypher(process.execPath, '--any-user');
  expect(refused.code).toBe(2);
  expect(refused.output).toContain('--script FILE');
});

it('explains what is expected instead of a file that is no program', async () => {
  const notes = join(folder, 'notes.yaml');
  writeFileSync(notes, 'apiVersion: raypher/v1\n');
  expect(await raypher(notes, '--any-user')).toEqual({
    code: 2,
    output: expect.stringMatching(/notes\.yaml is no program\.\nExpected is an executable file, or an inter/),
  });
});

it.skipIf(userInfo().uid !== 0)('wants root to say for whom (run as root to see this)', async () => {
  const refused = await raypher('/bin/true');
  expect(refused).toMatchObject({ code: 2, output: expect.stringContaining('--user NAME') });
});
