import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { withoutRoot } from '../response/spawned.test-support.ts';
import { MAIN, TEST_ENVIRONMENT } from '../testing/command-line.ts';

/** Starting a process takes long on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

const NOBODY = 65_534;
const folder = mkdtempSync(join(tmpdir(), 'raypher-another-user-'));
const path = (name: string): string => join(folder, name);

beforeAll(() => {
  chmodSync(folder, 0o755);
  for (const name of ['closed', 'closed-export']) mkdirSync(path(name), { mode: 0o700 });
  mkdirSync(path('open'), { mode: 0o755 });
  writeFileSync(path('secret'), 'x', { mode: 0o600 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function asNobody(args: readonly string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH, ...TEST_ENVIRONMENT, HOME: '/nonexistent' },
    encoding: 'utf8',
    uid: NOBODY,
    gid: NOBODY,
  });
}

const CLOSED = ['--data-dir', path('closed')];
const ENROLL = ['enroll', '--server', 'https://127.0.0.1:1', '--token', 'none'];
const WITH_SUDO = /with sudo, or name another folder with --data-dir\.\n$/;

describe.skipIf(withoutRoot !== undefined)(`a user who may not, ${withoutRoot ?? 'here nobody'}`, () => {
  test.each<[string[], number, RegExp]>([
    [['ca', 'show', ...CLOSED], 3, /root\.json can only be read by its owner\.\nRun this with sudo/],
    [['ca', 'export', ...CLOSED], 3, /root\.json can only be read by its owner/],
    [['identity', ...CLOSED], 3, /enrolment\.json can only be read by its owner\.\nRun this with sudo/],
    [['status', ...CLOSED], 3, /Only the owner of the service/],
    [['status', '--config', path('secret')], 2, /configuration file .*: this account may not/],
    [['status', '--config', path('closed/agent.toml')], 2, /configuration file .*: this account may not/],
    [['service', ...CLOSED], 3, WITH_SUDO],
    [['service', '--data-dir', path('open')], 3, WITH_SUDO],
    [['service', '--data-dir', path('open/new')], 3, WITH_SUDO],
    [[...ENROLL, ...CLOSED], 3, WITH_SUDO],
    [
      ['forensics', 'keygen', path('open/key')],
      3,
      /cannot be written: this account may not\.\nRun this with/,
    ],
    [['forensics', 'keygen', path('closed/key')], 3, /cannot be written: this account may not/],
    [['forensics', 'open', path('secret'), '--key', path('secret')], 3, /this account may not/],
    [['dlp', 'scan', path('secret')], 3, /cannot be read: this account may not/],
    [['policy', 'check', path('secret')], 3, /cannot be read: this account may not/],
    [
      ['verify', path('secret')],
      3,
      /secret cannot be read: this account may not\.\nRun this as a user who may/,
    ],
    [['verify', path('closed-export')], 3, /closed-export cannot be read: this account may not/],
  ])('%j exits with %i', (args, expected, message) => {
    const { status, stdout, stderr } = asNobody(args);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: expected, stdout: '' });
  });
});
