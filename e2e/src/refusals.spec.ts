import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, type Product, test } from './product.ts';

const RAYPHER = fileURLToPath(new URL('../../apps/edge-agent/dist/cli/main.js', import.meta.url));
const run = promisify(execFile);

interface Failure {
  code: number;
  stderr: string;
}

/** Runs the command and gives what a person would see of its refusal. */
async function refusalOf(...args: string[]): Promise<Failure> {
  try {
    await run(process.execPath, [RAYPHER, ...args], { env: { PATH: process.env.PATH } });
  } catch (error) {
    const { code, stderr } = error as Failure; // what execFile rejects with
    expect(stderr).not.toMatch(/\n\s+at /);
    return { code, stderr };
  }
  throw new Error(`raypher ${args.join(' ')} was not refused`);
}

async function enrolWith({ stack }: Product, token: string): Promise<Failure> {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-enrol-'));
  try {
    writeFileSync(join(folder, 'token'), token, { mode: 0o600 });
    return await refusalOf(
      'enroll',
      '--server',
      stack.urls.enrolment,
      '--token-file',
      join(folder, 'token'),
      '--data-dir',
      join(folder, 'agent'),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const newToken = ({ api }: Product, maxUses = 1) =>
  api<{ token: string; enrolmentToken: { id: string } }>('POST', '/v1/enrolment-tokens', {
    name: 'refusals',
    maxUses,
  });

test('a wrong token, a revoked one and one of another control plane are refused, each with its reason', async ({
  product,
}) => {
  const { token, enrolmentToken } = await newToken(product);
  const [version, id, secret, pin] = token.split('.');
  const otherSecret = Buffer.alloc(32, 7).toString('base64url');
  expect((await enrolWith(product, [version, id, otherSecret, pin].join('.'))).stderr).toMatch(
    /not known|unknown/i,
  );
  expect((await enrolWith(product, [version, id, secret, otherSecret].join('.'))).stderr).toMatch(
    /not the one this token was made for/,
  );
  expect((await enrolWith(product, 'nonsense')).stderr).toMatch(/token/i);
  await product.api('DELETE', `/v1/enrolment-tokens/${enrolmentToken.id}`, { reason: 'No longer needed.' });
  expect((await enrolWith(product, token)).stderr).toMatch(/revoked/i);
});

test('garbage on every port is answered or closed, and everything goes on', async ({ product }) => {
  const { ports } = product.stack;
  const pids = Object.values(product.stack.processes).map((process) => process?.pid);
  const garbage = [
    Buffer.alloc(64 * 1024, 0xff),
    Buffer.from('GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.repeat(100)),
    Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff, ...Array<number>(300).fill(0)]),
  ];
  for (const port of [ports.web, ports.http, ports.tls, ports.link, ports.proxy]) {
    for (const bytes of garbage) {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      // Who closes while something is on its way resets the connection, which is an end as well.
      socket.on('error', () => {});
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      socket.once('close', () => resolve());
      socket.end(bytes);
      socket.resume();
      await closed;
    }
  }
  expect(Object.values(product.stack.processes).map((process) => process?.pid)).toEqual(pids);
  await expect
    .poll(
      async () =>
        (await product.api<{ connected: boolean }>('GET', `/v1/devices/${product.device}`)).connected,
    )
    .toBe(true);
});

test('a malformed policy is refused with line and column, and the last good one stays', async ({
  product,
}) => {
  const running = await product.api<{ revision: number }>('GET', '/v1/policies/running');
  const source = 'apiVersion: raypher/v1\nmode: enforce\nnetwork:\n  defualt: deny\n';
  const refusal = product.api('POST', '/v1/policies/deploy', {
    documents: [{ layer: 'global', source }],
    basedOn: running.revision,
    reason: 'A typing mistake.',
    confirm: product.organisation.name,
  });
  await expect(refusal).rejects.toThrow(/answers 422.*policy\/schema/s);
  await expect(refusal).rejects.toThrow(/"line":4,"column":3/);
  expect((await product.api<{ revision: number }>('GET', '/v1/policies/running')).revision).toBe(
    running.revision,
  );
});

test('protected processes are not killed, and the refusal says why', async ({ product }) => {
  const refusal = await refusalOf('kill', '1', '--data-dir', join(product.stack.dataDir, 'agent'));
  expect(refusal.code).toBe(10);
  expect(refusal.stderr).toMatch(/process 1|pid 1/i);
});
