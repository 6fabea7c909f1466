import { type ExecFileOptions, execFile } from 'node:child_process';
import { appendFileSync, chmodSync, copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DeviceDetail } from '@raypher/shared/rest';
import { type FakeUpstream, startFakeUpstream, TestTpm, tpmUnavailable } from '@raypher/testkit';
import { sealSecret } from '@raypher/vault';
import { ownerUrl } from './owner-url.ts';
import { expect, type Product, test } from './product.ts';
import { filesHolding, processesHolding, tablesHolding } from './secret-search.ts';
import { TpmDevice } from './tpm-device.ts';

test.skip(tpmUnavailable !== undefined, tpmUnavailable);

const ONE_CALL = fileURLToPath(new URL('../agents/one-call.mjs', import.meta.url));
const ONE_REQUEST = fileURLToPath(new URL('../agents/one-request.mjs', import.meta.url));
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const NOBODY = 65534;

/** Looks like a key of the provider, and is made up here. */
const newSecret = (what: string) =>
  ['sk', 'proj', Buffer.from(`${what} of the vault test`).toString('hex')].join('-');

interface Answer {
  ok: boolean;
  text?: string;
  error?: string;
  status?: number;
  message?: string;
}

/** A folder that every user may read, with a Node of its own and scripts. */
class Programs {
  readonly folder = mkdtempSync(join(tmpdir(), 'raypher-programs-'));
  readonly node = this.#copy(process.execPath, 'node');
  readonly script = this.#copy(ONE_CALL, 'allowed.mjs');
  readonly requester = this.#copy(ONE_REQUEST, 'request.mjs');

  constructor() {
    chmodSync(this.folder, 0o755);
    symlinkSync(MODULES, join(this.folder, 'node_modules'));
  }

  other(): string {
    return this.#copy(ONE_CALL, 'other.mjs');
  }

  changedNode(): string {
    const path = this.#copy(process.execPath, 'changed-node');
    appendFileSync(path, '\0');
    return path;
  }

  call(device: TpmDevice, node = this.node, script = this.script, uid?: number): Promise<Answer> {
    const env = {
      OPENAI_BASE_URL: `http://127.0.0.1:${device.proxyPort}/openai/v1`,
      OPENAI_API_KEY: 'raypher',
    };
    return this.#run(node, script, { env, ...(uid === undefined ? {} : { uid, gid: uid }) });
  }

  /** One HTTPS request through the proxy. */
  request(device: TpmDevice, root: string, url: string, authorization: string): Promise<Answer> {
    const env = {
      HTTPS_PROXY: `http://127.0.0.1:${device.proxyPort}`,
      ROOT: root,
      URL: url,
      AUTHORIZATION: authorization,
    };
    return this.#run(this.node, this.requester, { env });
  }

  #run(node: string, script: string, options: ExecFileOptions): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    execFile(node, [script], { ...options, cwd: this.folder, encoding: 'utf8' }, (error, stdout) =>
      error === null ? resolve(JSON.parse(stdout)) : reject(error),
    );
    return promise;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #copy(from: string, name: string): string {
    const path = join(this.folder, name);
    copyFileSync(from, path);
    chmodSync(path, 0o755);
    return path;
  }
}

let tpm: TestTpm;
let device: TpmDevice;
let upstream: FakeUpstream;
let programs: Programs;
let id: string;

const detail = ({ api }: Product) => api<DeviceDetail>('GET', `/v1/devices/${id}`);
const authorisations = () => upstream.requests.map(({ headers }) => headers.authorization);

test.beforeAll(async ({ product }) => {
  upstream = await startFakeUpstream();
  tpm = await TestTpm.start({ manufactured: true });
  device = await TpmDevice.create(tpm, upstream.url, ['api.openai.com', 'api.git.example', 'evil.example']);
  programs = new Programs();
  const enrolled = await device.enrol(product, '--json');
  id = JSON.parse(enrolled.stdout).device;
  await device.start();
});

test.afterAll(async () => {
  programs?.remove();
  await device?.remove();
  await tpm?.stop();
  await upstream?.stop();
});

test('a sealed key reaches the provider from the allowed program only, and is found nowhere else', async ({
  product,
}) => {
  const secret = newSecret('sealed here');
  expect(await device.raypher(['seal', 'openai-main', '--provider', 'openai'], `${secret}\n`)).toMatchObject({
    code: 0,
  });
  expect(await programs.call(device)).toMatchObject({
    ok: false,
    error: 'PermissionDeniedError',
    message: expect.stringContaining('raypher allow'),
  });

  const allow = ['allow', programs.node, '--script', programs.script, '--user', 'root'];
  expect(await device.raypher(allow)).toMatchObject({ code: 0 });
  expect(await programs.call(device)).toMatchObject({ ok: true });
  expect(authorisations()).toEqual([`Bearer ${secret}`]);

  const refused = { ok: false, error: 'PermissionDeniedError', status: 403 };
  expect(await programs.call(device, programs.changedNode())).toMatchObject(refused);
  expect(await programs.call(device, programs.node, programs.other())).toMatchObject(refused);
  expect(await programs.call(device, programs.node, programs.script, NOBODY)).toMatchObject(refused);
  expect(authorisations()).toHaveLength(1);

  expect(filesHolding(secret, device.folder)).toEqual([]);
  expect(filesHolding(secret, product.stack.dataDir)).toEqual([]);
  expect(processesHolding(secret)).toEqual([]);
  expect(await tablesHolding(secret, ownerUrl(product.stack))).toEqual([]);
});

test('a key that an administrator pushes arrives sealed, and the control plane never had it', async ({
  product,
}) => {
  const secret = newSecret('pushed from the dashboard');
  await expect.poll(async () => (await detail(product)).vaultKey).not.toBeNull();
  const { vaultKey } = await detail(product);
  if (vaultKey === null) throw new Error('the device has no vault key');
  const binding = { name: 'openai-pushed', provider: 'openai' };
  const sealed = await sealSecret(Buffer.from(vaultKey.publicKey, 'base64url'), binding, Buffer.from(secret));
  await product.api('POST', `/v1/devices/${id}/secrets`, {
    ...binding,
    keyId: vaultKey.keyId,
    sealed: JSON.stringify(sealed),
    reason: 'The team needs it.',
  });
  await expect.poll(async () => (await device.raypher(['vault', 'list'])).stdout).toContain('openai-pushed');
  const shown = await device.raypher(['unseal', 'openai-pushed', '--force']);
  expect(shown.stdout.trim()).toBe(secret);
  expect((await device.raypher(['unseal', 'openai-pushed'])).stderr).toMatch(/terminal/);

  expect(filesHolding(secret, device.folder)).toEqual([]);
  expect(filesHolding(secret, product.stack.dataDir)).toEqual([]);
  expect(await tablesHolding(secret, ownerUrl(product.stack))).toEqual([]);
  // The search itself works: what is public about it is found.
  expect(await tablesHolding('openai-pushed', ownerUrl(product.stack))).not.toEqual([]);
});

test('a value for any API reaches its host through TLS, and no other, as often as it may', async ({
  product,
}) => {
  const secret = newSecret('for any API');
  const use = ['--host', 'api.git.example', '--header', 'authorization: Bearer', '--path', '/repos/**'];
  const sealed = await device.raypher(['seal', 'git', ...use, '--max-uses', '1'], `${secret}\n`);
  expect(sealed).toMatchObject({ code: 0, stderr: '' });
  const root = join(programs.folder, 'root.pem');
  expect(await device.raypher(['ca', 'export', root])).toMatchObject({ code: 0 });
  const allow = ['allow', programs.node, '--script', programs.requester, '--user', 'root'];
  expect(await device.raypher(allow)).toMatchObject({ code: 0 });
  upstream.reset();

  const ask = (url: string) => programs.request(device, root, url, 'Bearer raypher:git');
  expect(await ask('https://evil.example/repos/a')).toMatchObject({
    status: 403,
    text: expect.stringContaining('It is for api.git.example'),
  });
  expect(upstream.requests).toEqual([]);
  await ask('https://api.git.example/repos/a');
  expect(authorisations()).toEqual([`Bearer ${secret}`]);
  expect(await ask('https://api.git.example/repos/a')).toMatchObject({ status: 403 });
  expect(authorisations()).toHaveLength(1);
  expect((await device.raypher(['vault', 'list'])).stdout).toMatch(/git .* 1 of 1 +api\.git\.example/);

  expect(filesHolding(secret, device.folder)).toEqual([]);
  expect(filesHolding(secret, product.stack.dataDir)).toEqual([]);
});
