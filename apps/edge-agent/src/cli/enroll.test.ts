import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { FileSealer } from '../identity/file-sealer.ts';
import { MAIN, TEST_ENVIRONMENT } from '../testing/command-line.ts';
import { TestControlPlane } from '../testing/test-control-plane.ts';

/** Starting a process takes long on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

let plane: TestControlPlane;
let dataDir: string;

beforeEach(async () => {
  plane = await TestControlPlane.start();
  dataDir = mkdtempSync(join(tmpdir(), 'raypher-enroll-'));
});
afterEach(() => plane.stop());

function start(args: readonly string[], tcti = ''): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args, '--data-dir', dataDir], {
    env: {
      PATH: process.env.PATH,
      ...TEST_ENVIRONMENT,
      HOME: '/nowhere',
      RAYPHER_ENROLMENT_TOKEN: plane.token,
      RAYPHER_TPM_TCTI: tcti,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(args: readonly string[], tcti = '') {
  const child = start(args, tcti);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

function enroll(...more: string[]): string[] {
  return ['enroll', '--server', plane.server.origin, ...more];
}

function paths(): string[] {
  return plane.requests.map(({ path }) => path);
}

test('a device that has to be approved is told what it waits for', async () => {
  plane.admits = 'pending';
  const { code, stdout } = await run(enroll('--identity', 'software'));
  expect(code).toBe(0);
  expect(stdout).toMatch(/Waiting: an administrator has to approve this device/);
  expect(stdout).toMatch(/Identity: software, with key [0-9a-f]{16} in a file/);
  const identity = await run(['identity', '--json']);
  expect(JSON.parse(identity.stdout).enrolment).toMatchObject({ status: 'pending', attestationKey: null });
});

test('a device that is taken for a copy is told that somebody has to decide', async () => {
  plane.admits = 'paused';
  const { code, stdout } = await run(enroll('--identity', 'software'));
  expect(code).toBe(0);
  expect(stdout).toMatch(/Paused: the control plane takes it for a copy/);
  expect((await run(['identity'])).stdout).toMatch(
    /status +paused[\s\S]*Next: an administrator has to resume or revoke/,
  );
});

test.each(['enroll', 'enroll --replace'])(
  'after %s, what was recorded can be read by whoever starts next, and nobody suspects tampering',
  async (how) => {
    expect(await run(enroll('--identity', 'software'))).toMatchObject({ code: 0 });
    if (how !== 'enroll') {
      expect(await run(enroll('--identity', 'software', '--replace'))).toMatchObject({ code: 0 });
    }
    const greeted = plane.hello();
    const service = start(['service', '--proxy-port', '0']);
    service.stdout?.resume();
    service.stderr?.resume();
    await greeted;
    const { stdout } = await run(['logs', '--json', '-n', '500']);
    service.kill('SIGTERM');
    await once(service, 'exit');
    const types = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(types[0]).toBe('device.enrolled');
    expect(types).not.toContain('tamper.suspected');
    expect(existsSync(join(dataDir, 'identity', 'next'))).toBe(false);
  },
);

test('a TPM that was asked for and is not there is said, and nothing is enrolled', async () => {
  const { code, stderr } = await run(enroll('--identity', 'tpm'), 'device:/nowhere/tpm');
  expect(code).toBe(11);
  expect(stderr).toMatch(/no TPM at \/nowhere\/tpm[\s\S]*--identity software/);
  expect(await run(enroll(), 'device:/nowhere/tpm')).toMatchObject({ code: 11 });
  expect(paths()).toEqual([]);
  expect(existsSync(join(dataDir, 'identity', 'device.key'))).toBe(false);
});

test('a token file is emptied and gone once it is used, and not before', async () => {
  const file = join(dataDir, 'token');
  const [version, id, , pin] = plane.token.split('.');
  writeFileSync(file, [version, id, 'A'.repeat(43), pin].join('.'));
  const byFile = enroll('--identity', 'software', '--token-file', file);
  expect((await run(byFile)).code).toBe(3);
  expect(existsSync(file)).toBe(true);
  writeFileSync(file, `${plane.token}\n`);
  // Through another name of the same file one sees that it was emptied as well.
  linkSync(file, join(dataDir, 'other-name'));
  expect(await run(byFile)).toMatchObject({ code: 0, stderr: '' });
  expect(existsSync(file)).toBe(false);
  expect(readFileSync(join(dataDir, 'other-name'), 'utf8')).toBe('');
  // It is not missed by a machine that is enrolled already.
  expect(await run(byFile)).toMatchObject({ code: 5, stderr: expect.stringContaining('enrolled already') });
});

test('a token that comes through a link or a device leaves both where they are', async () => {
  const [file, link] = [join(dataDir, 'token'), join(dataDir, 'link')];
  writeFileSync(file, plane.token);
  symlinkSync(file, link);
  expect(await run(enroll('--identity', 'software', '--token-file', link))).toMatchObject({ code: 0 });
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe(plane.token);

  // /dev/stdin, in whatever root this runs as: what it is must be what it was.
  const before = lstatSync('/dev/stdin');
  const child = spawn(
    '/bin/sh',
    ['-c', 'exec "$0" "$@" < "$TOKEN_FILE"', process.execPath, MAIN]
      .concat(enroll('--identity', 'software', '--replace', '--token-file', '/dev/stdin'))
      .concat('--data-dir', dataDir),
    { env: { PATH: process.env.PATH, ...TEST_ENVIRONMENT, TOKEN_FILE: file }, stdio: 'ignore' },
  );
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(lstatSync('/dev/stdin').ino).toBe(before.ino);
  expect(readFileSync(file, 'utf8')).toBe(plane.token);
});

test('before it is replaced, an identity is given up', async () => {
  await run(enroll('--identity', 'software'));
  const { keyId } = JSON.parse((await run(['identity', '--json'])).stdout).enrolment;
  const replaced = await run(enroll('--identity', 'software', '--replace', '--json'));
  expect(replaced).toMatchObject({ code: 0, stderr: '' });
  expect(paths()).toEqual(['/v1/enroll', '/v1/leave', '/v1/enroll']);
  expect(JSON.parse(replaced.stdout).keyId).not.toBe(keyId);
});

test('a control plane that is gone is named, and does not keep the machine', async () => {
  await run(enroll('--identity', 'software'));
  const gone = plane;
  plane = await TestControlPlane.start();
  await gone.stop();
  const replaced = await run(enroll('--identity', 'software', '--replace'));
  expect(replaced.code).toBe(0);
  expect(replaced.stderr).toMatch(/could not be told that this machine leaves: .*cannot be reached/);
  expect(paths()).toEqual(['/v1/enroll']);
});

test('an enrolment that fails leaves the one before it as it was', async () => {
  await run(enroll('--identity', 'software'));
  const before = readFileSync(join(dataDir, 'identity', 'device.key'), 'utf8');
  const [version, id, , pin] = plane.token.split('.');
  const wrong = [version, id, 'A'.repeat(43), pin].join('.');
  const refused = await run(enroll('--identity', 'software', '--replace', '--token', wrong));
  expect(refused.code).toBe(3);
  expect(readFileSync(join(dataDir, 'identity', 'device.key'), 'utf8')).toBe(before);
  expect(JSON.parse((await run(['identity', '--json'])).stdout).enrolment.device).toBe(plane.device);
});

describe.skipIf(tpmUnavailable)(`with a TPM ${tpmUnavailable ?? ''}`, () => {
  let chip: TestTpm;
  let other: TestTpm;
  beforeAll(async () => {
    [chip, other] = await Promise.all([TestTpm.start({ manufactured: true }), TestTpm.start()]);
  });
  afterAll(() => Promise.all([chip?.stop(), other?.stop()]));

  test('the key is in it without being asked for, and the service connects with it', async () => {
    const enrolled = await run(enroll('--json'), chip.tcti);
    expect(enrolled).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(enrolled.stdout)).toMatchObject({
      key: 'tpm',
      identityClass: 'unverified',
      status: 'active',
    });
    expect(readdirSync(join(dataDir, 'identity')).sort()).toEqual([
      'enrolment.json',
      'store.json',
      'tpm.json',
    ]);

    const identity = await run(['identity'], chip.tcti);
    expect(identity.stdout).toMatch(/Identity +unverified[\s\S]*attestation key +000b[0-9a-f]{64}/);

    const greeted = plane.hello();
    const service = start(['service', '--proxy-port', '0'], chip.tcti);
    let said = '';
    service.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    service.stdout?.resume();
    await greeted;
    const status = JSON.parse((await run(['status', '--json'])).stdout);
    expect(status).toMatchObject({
      membership: { key: 'tpm', status: 'active' },
      link: { state: 'connected' },
    });
    // The service holds the only connection that this TPM takes.
    const held = await run(['identity', '--json'], chip.tcti);
    expect(JSON.parse(held.stdout)).toMatchObject({ class: null, enrolment: { key: 'tpm' } });
    service.kill('SIGTERM');
    expect(await once(service, 'exit')).toEqual([0, null]);
    expect(said).toBe('');
  });

  test('the service refuses to start with another one, and says why', async () => {
    await run(enroll(), chip.tcti);
    const { code, stderr } = await run(['service', '--proxy-port', '0'], other.tcti);
    expect(code).toBe(8);
    expect(stderr).toMatch(/belongs to the TPM [0-9a-f]{16}….*enroll --replace/s);
  });

  test('a software identity can move into it', async () => {
    await run(enroll('--identity', 'software'));
    const replaced = await run(enroll('--replace', '--json'), chip.tcti);
    expect(JSON.parse(replaced.stdout)).toMatchObject({ key: 'tpm' });
    const identity = join(dataDir, 'identity');
    const setAside = expect.stringMatching(/^store\.json\.set-aside-/);
    expect(readdirSync(identity).sort()).toEqual([
      'enrolment.json',
      'store.json',
      setAside,
      'tpm.json',
      'vault.key',
    ]);
    // The entries from before stay readable: their key is kept, and so is what it is sealed with.
    const kept = readdirSync(identity).find((name) => name.startsWith('store.json.set-aside-'));
    const sealer = new FileSealer(join(identity, 'vault.key'));
    const { sealed } = JSON.parse(readFileSync(join(identity, kept ?? ''), 'utf8'));
    expect(sealer.unseal(Buffer.from(sealed, 'base64'))).toHaveLength(32);
    expect(paths()).toEqual(['/v1/enroll', '/v1/leave', '/v1/enroll/challenge', '/v1/enroll']);
  });

  test('an attempt whose answer was lost goes on with the same keys', async () => {
    const keys = () =>
      plane.requests.filter(({ path }) => path === '/v1/enroll/challenge').map(({ body }) => body.tpm);
    plane.lost.add('/v1/enroll');
    expect(await run(enroll(), chip.tcti)).toMatchObject({ code: 7 });
    plane.lost.clear();
    expect(await run(enroll(), chip.tcti)).toMatchObject({ code: 0 });
    const [first, second] = keys();
    expect(second).toEqual(first);
  });
});
