import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ArtefactKind } from '@raypher/shared/rest';
import { holdPort } from '@raypher/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TlsListener } from '../http/tls-listener.ts';
import { InstallationAuthority } from '../keys/installation-authority.ts';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';

const run = promisify(execFile);
const PACKAGE = randomBytes(300_000);
const sha256 = createHash('sha256').update(PACKAGE).digest('hex');
const describePackage = (filename: string, arch: string) => ({
  filename,
  platform: 'linux',
  format: 'deb',
  arch,
  version: '1.2.3',
  sha256,
  bytes: PACKAGE.length,
});

let folder: string;
let api: TestApi;
let acme: TestOrganisation;
let rival: TestOrganisation;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'raypher-packages-'));
  for (const name of ['raypher.deb', 'raypher-arm.deb']) await writeFile(join(folder, name), PACKAGE);
  await writeFile(join(folder, 'changed.deb'), Buffer.from(PACKAGE).fill(0, 0, 9));
  await writeFile(join(folder, 'unlisted.deb'), 'not for everybody');
  const list = [
    describePackage('raypher.deb', 'x64'),
    describePackage('raypher-arm.deb', 'arm64'),
    describePackage('changed.deb', 'x64'),
  ];
  await writeFile(join(folder, 'packages.json'), JSON.stringify(list));
  const place = await holdPort();
  api = await TestApi.start({ packagesDirectory: folder, tlsPort: place.port });
  await place.letGo();
  await api.app.get(TlsListener).listen();
  [acme, rival] = [await api.found(`O'Neil & "Sons" $(touch x)`), await api.found('Rival')];
});
afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

const rootPem = () => api.app.get(InstallationAuthority, { strict: false }).rootPem;

async function newToken(): Promise<{ token: string; id: string }> {
  const { body } = await acme.administrator.post('/v1/enrolment-tokens', { name: 'Roll-out', teamId: null });
  return { token: body.token, id: body.enrolmentToken.id };
}

async function artefact(kind: ArtefactKind, token: string) {
  const answer = await acme.administrator.post('/v1/enrolment-tokens/artefacts', { token, kind });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  const content = Buffer.from(answer.body.content, 'base64');
  expect(createHash('sha256').update(content).digest('hex')).toBe(answer.body.sha256);
  return { ...answer.body, content, headers: answer.headers };
}

/** Over TLS, verified with the installation's root. */
function download(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number | undefined; etag: string | undefined; body: Buffer }>(
    (resolve, reject) => {
      const sent = request(
        // No cleaning of the path on our side.
        { host: '127.0.0.1', port: api.config.tlsPort, ca: rootPem(), path, headers, agent: false },
        async (response) => {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk);
          resolve({ status: response.statusCode, etag: response.headers.etag, body: Buffer.concat(chunks) });
        },
      );
      sent.on('error', reject).end();
    },
  );
}

describe('packages', () => {
  it('are listed to those who add devices, without those that are not what the list says', async () => {
    const { body } = await acme.administrator.get('/v1/packages');
    expect(body.items.map((one: { filename: string }) => one.filename)).toEqual([
      'raypher.deb',
      'raypher-arm.deb',
    ]);
  });

  it('are downloaded by anybody, byte by byte, and not again when they are known', async () => {
    const { status, etag, body } = await download('/v1/packages/raypher.deb');
    expect([status, etag]).toEqual([200, `"${sha256}"`]);
    expect(body.equals(PACKAGE)).toBe(true);
    const again = await download('/v1/packages/raypher.deb', { 'if-none-match': etag ?? '' });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  });

  it('are the only files there are', async () => {
    for (const name of [
      'unlisted.deb',
      'changed.deb',
      'packages.json',
      '..%2fpackages.json',
      '..%2f..%2fetc%2fpasswd',
      '%2fetc%2fpasswd',
      'raypher.deb%00',
      '__proto__',
    ]) {
      const { status, body } = await download(`/v1/packages/${name}`);
      expect([400, 404], `${name}: ${status}`).toContain(status);
      expect(body.includes('not for everybody')).toBe(false);
    }
    expect((await download('/v1/packages/../../../../etc/passwd')).status).toBe(404);
  });
});

describe('files that enrol devices', () => {
  it('leave an entry in the audit that names the token and not its secret', async () => {
    const { token, id } = await newToken();
    const { filename, sha256: digest } = await artefact('cloud-init', token);
    const { body } = await acme.administrator.get('/v1/audit?limit=1');
    expect(body.items).toMatchObject([
      {
        action: 'artefact.create',
        target: filename,
        after: { kind: 'cloud-init', token: { id, name: 'Roll-out' }, sha256: digest },
      },
    ]);
    expect(JSON.stringify(body)).not.toContain(token.split('.')[2]);
    const strange = await rival.administrator.post('/v1/enrolment-tokens/artefacts', {
      token,
      kind: 'shell',
    });
    expect(strange.status).not.toBe(201);
    const { body: theirs } = await rival.administrator.get('/v1/audit');
    expect(JSON.stringify(theirs)).not.toContain('artefact.create');
  });

  it('are made of each kind, are not kept by browsers, and say what keeps them from working', async () => {
    const { token } = await newToken();
    for (const kind of ArtefactKind.options) {
      const made = await artefact(kind, token);
      expect(made.headers.get('cache-control'), kind).toBe('no-store');
      expect(made.steps.length, kind).toBeGreaterThan(0);
      const isForLinux = ['shell', 'cloud-init', 'intune-linux-install', 'intune-linux-detect'].includes(
        kind,
      );
      expect(made.limitation === null, kind).toBe(isForLinux);
      const isSecret = !/detect|audit|profile/.test(kind);
      expect(made.content.includes(token), kind).toBe(isSecret && kind !== 'intune-windows-detect');
    }
  });

  it('are made for tokens of the own organisation alone, and only while they can be used', async () => {
    const { token, id } = await newToken();
    const theirs = await rival.administrator.post('/v1/enrolment-tokens/artefacts', { token, kind: 'shell' });
    const unknown = `${token.slice(0, 40)}${token[40] === 'A' ? 'B' : 'A'}${token.slice(41)}`;
    const wrong = await acme.administrator.post('/v1/enrolment-tokens/artefacts', {
      token: unknown,
      kind: 'shell',
    });
    for (const { status, body } of [theirs, wrong]) {
      expect([status, body.error.code]).toEqual([401, 'enrolment/token-unknown']);
    }
    await acme.administrator.delete(`/v1/enrolment-tokens/${id}`);
    const revoked = await acme.administrator.post('/v1/enrolment-tokens/artefacts', { token, kind: 'shell' });
    expect(revoked.body.error.code).toBe('enrolment/token-revoked');
  });

  it('a profile is signed with a certificate of the installation', async () => {
    const { content } = await artefact('jamf-profile', (await newToken()).token);
    const signed = join(folder, 'profile');
    await writeFile(signed, content);
    await writeFile(join(folder, 'root.pem'), rootPem());
    const verify = ['cms', '-verify', '-inform', 'DER', '-in', signed, '-CAfile', join(folder, 'root.pem')];
    const { stdout } = await run('openssl', verify);
    expect(stdout).toContain('<string>O\'Neil &amp; "Sons" $(touch x)</string>');
    expect(stdout).toContain(`<string>https://127.0.0.1:${api.config.tlsPort}</string>`);
    expect(stdout).toContain('<key>com.raypher.agent</key>');
    // One changed letter is noticed.
    const changed = Buffer.from(content);
    changed.writeUInt8(changed.readUInt8(changed.indexOf('Neil')) ^ 1, changed.indexOf('Neil'));
    await writeFile(signed, changed);
    await expect(run('openssl', verify)).rejects.toThrow();
  });
});

describe.skipIf(process.platform !== 'linux')('the shell script', () => {
  let machine: string;
  let state: string;

  beforeAll(async () => {
    machine = await mkdtemp(join(tmpdir(), 'raypher-machine-'));
    state = join(machine, 'log');
    // What would change this machine; curl is the real one, its arguments are noted.
    const { stdout } = await run('sh', ['-c', 'command -v curl']);
    await Promise.all(
      Object.entries({
        id: 'echo 0',
        dpkg: `echo "dpkg $(sha256sum <"$2")" >>"${state}"; touch "${machine}/installed"`,
        'dpkg-query': `test -e "${machine}/installed" && printf 'install ok installed 1.2.3'`,
        curl: `echo "curl $*" >>"${state}"; exec ${stdout.trim()} "$@"`,
        raypher: `echo "raypher $*" >>"${state}"; stat -c 'mode %a' "$6" >>"${state}"; echo "token $(cat "$6")" >>"${state}"`,
      }).map(([name, body]) => writeFile(join(machine, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })),
    );
  });
  afterAll(() => rm(machine, { recursive: true, force: true }));

  /** On a machine whose temporary folder is empty. @returns exit code, what it said, what it did, what it left */
  async function runScript(script: Buffer) {
    const file = join(machine, 'script');
    const work = await mkdtemp(join(machine, 'tmp-'));
    await writeFile(file, script, { mode: 0o600 });
    await writeFile(state, '');
    const env = { PATH: `${machine}:${process.env.PATH ?? ''}`, TMPDIR: work };
    const { code, stderr } = await run('sh', [file], { env, cwd: work }).then(
      (done) => ({ code: 0, ...done }),
      (error: { code: number; stderr: string }) => error,
    );
    const { stdout: left } = await run('find', [work, '-mindepth', '1']);
    return { code, said: stderr, did: await readFile(state, 'utf8'), left };
  }

  it('downloads, compares, installs and joins; the token is in no argument and nothing is left', async () => {
    const { token } = await newToken();
    const { content } = await artefact('shell', token);
    const { code, said, did, left } = await runScript(content);
    expect(code, said).toBe(0);
    expect(said).toContain(`Joining O'Neil & "Sons" $(touch x)`);
    expect(did).toContain(`dpkg ${sha256}`);
    expect(did).toContain('mode 600');
    expect(did).toContain(`token ${token}`);
    const commands = did.split('\n').filter((line) => /^(curl|raypher|dpkg) /.test(line));
    expect(commands).toHaveLength(3);
    expect(commands.join('\n')).not.toContain(token);
    expect(commands[2]).toContain(`--server https://127.0.0.1:${api.config.tlsPort}`);
    expect(left).toBe('');
  });

  it('installs nothing a second time', async () => {
    const { content } = await artefact('shell', (await newToken()).token);
    const { code, did } = await runScript(content);
    expect(code).toBe(0);
    expect(did).not.toMatch(/^(dpkg|curl) /m);
    expect(did).toContain('raypher setup');
  });

  it('installs nothing that is not what was announced, or from somebody else', async () => {
    await rm(join(machine, 'installed'), { force: true });
    const { content } = await artefact('shell', (await newToken()).token);
    const script = content.toString();
    const other = await runScript(Buffer.from(script.replaceAll(sha256, 'ab'.repeat(32))));
    expect([other.code, other.left]).toEqual([8, '']);
    expect(other.did).not.toMatch(/^(dpkg|raypher) /m);
    const { stdout: stranger } = await run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', '/dev/null', '-subj', '/CN=Stranger'],
    ]);
    const elsewhere = await runScript(Buffer.from(script.replace(rootPem().trim(), stranger.trim())));
    expect([elsewhere.code, elsewhere.left]).toEqual([7, '']);
    expect(elsewhere.did).not.toMatch(/^(dpkg|raypher) /m);
  });
});
