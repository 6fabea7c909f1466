import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { ForensicKeyFile, sealSnapshot } from '@raypher/vault';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { buildProgram } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'raypher-forensics-'));
const path = (name: string): string => join(folder, name);
const content = {
  v: 1,
  processes: [{ pid: 7 }],
  memory: { segments: [{ pid: 7, start: '7f00', bytes: 4, offset: 2 }] },
};
let sha256 = '';

/** The command in this process: starting one for each would take most of the time. */
async function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  try {
    await (await buildProgram(['forensics'])).parseAsync(['node', 'raypher', 'forensics', ...args]);
    return { status: 0, stdout, stderr: '' };
  } catch (error) {
    if (!(error instanceof RaypherError)) throw error;
    return { status: error.exitCode, stdout, stderr: `${error.message}\n${error.hint ?? ''}` };
  } finally {
    write.mockRestore();
  }
}

beforeAll(async () => {
  expect((await run('keygen', path('right.key'))).status).toBe(0);
  expect((await run('keygen', path('wrong.key'))).status).toBe(0);
  const key = ForensicKeyFile.parse(JSON.parse(readFileSync(path('right.key'), 'utf8')));
  const json = Buffer.from(JSON.stringify(content));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const about = {
    panic: randomUUID(),
    organisation: randomUUID(),
    device: randomUUID(),
    at: new Date().toISOString(),
    recipient: 'organisation' as const,
  };
  const sealed = await sealSnapshot(key, about, Buffer.concat([length, json, Buffer.from('..mark..')]));
  sha256 = createHash('sha256').update(sealed).digest('hex');
  writeFileSync(path('a.snapshot'), sealed);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a key is readable by its owner alone, is never overwritten, and only its public half is printed', async () => {
  expect(statSync(path('right.key')).mode & 0o777).toBe(0o600);
  const before = readFileSync(path('right.key'), 'utf8');
  expect(await run('keygen', path('right.key'))).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('never'),
  });
  expect(readFileSync(path('right.key'), 'utf8')).toBe(before);
  const { stdout } = await run('keygen', path('third.key'), '--json');
  const third = ForensicKeyFile.parse(JSON.parse(readFileSync(path('third.key'), 'utf8')));
  expect(JSON.parse(stdout)).toEqual({ keyId: third.keyId, publicKey: third.publicKey });
});

test('a folder that is missing is not made for a key: it may be a drive that is not mounted', async () => {
  expect(await run('keygen', path('drive/forensic.key'))).toMatchObject({
    status: 4,
    stdout: '',
    stderr: expect.stringMatching(/drive does not exist\.\n.*may not be mounted/),
  });
  expect(existsSync(path('drive'))).toBe(false);
  expect(await run('keygen', path('right.key/forensic.key'))).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('is no folder'),
  });
});

test('a snapshot opens with its key, and what was dumped is written beside it', async () => {
  const { status, stdout } = await run(
    'open',
    path('a.snapshot'),
    '--key',
    path('right.key'),
    '--sha256',
    sha256,
  );
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual(content);
  const written = await run('open', path('a.snapshot'), '--key', path('right.key'), '--output', path('out'));
  expect(written).toMatchObject({ status: 0, stdout: expect.stringContaining(sha256) });
  expect(readFileSync(path('out/memory-7-7f00.bin'), 'utf8')).toBe('mark');
  expect(statSync(path('out/snapshot.json')).mode & 0o777).toBe(0o600);
});

test.each<[string, string[], number, RegExp]>([
  ['another key', ['a.snapshot', 'wrong.key'], 3, /is sealed to the key [0-9a-f]{16}, this is/],
  ['no key', ['a.snapshot', 'a.snapshot'], 2, /is no forensic key/],
  ['no snapshot', ['right.key', 'right.key'], 2, /is no sealed snapshot/],
  ['no such file', ['nothing.snapshot', 'right.key'], 4, /cannot be read: there is no such file/],
  ['a folder', ['.', 'right.key'], 4, /it is a folder\.\nExpected is a file with a sealed snapshot/],
  ['a folder as key', ['a.snapshot', '.'], 4, /it is a folder\.\nExpected is a file with a forensic key/],
  ['one that was changed', ['changed.snapshot', 'right.key'], 8, /was changed after it was sealed/],
])('%s is refused by name, and nothing is printed', async (_, [file = '', key = ''], exit, message) => {
  const bytes = readFileSync(path('a.snapshot'));
  bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
  writeFileSync(path('changed.snapshot'), bytes);
  const { status, stdout, stderr } = await run('open', path(file), '--key', path(key));
  expect(stderr).toMatch(message);
  expect({ status, stdout }).toEqual({ status: exit, stdout: '' });
});

test('a snapshot that is not the one of the ledger is refused', async () => {
  const { status, stderr } = await run(
    'open',
    path('a.snapshot'),
    '--key',
    path('right.key'),
    '--sha256',
    '0'.repeat(64),
  );
  expect({ status, stderr }).toMatchObject({
    status: 8,
    stderr: expect.stringContaining('not to what was expected'),
  });
});
