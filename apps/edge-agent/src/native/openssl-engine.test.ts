import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createSecureContext, createServer, type SecureContextOptions, type Server } from 'node:tls';
import { promisify } from 'node:util';
import type { DeviceId, OrganisationId } from '@raypher/shared';
import { parsePublicKey } from '@raypher/shared/attestation';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createCertificateRequest } from '../identity/certificate-request.ts';
import { signatureToDer } from '../identity/tpm/signature.ts';
import { openDeviceKey } from '../identity/tpm/signing-keys.ts';
import { TestAuthority } from '../testing/test-authority.ts';
import { type EngineKey, registerEngineKey } from './openssl-engine.ts';
import { Tpm, type TpmHandle } from './tss2.ts';
import { signDigest } from './tss2-attestation.ts';
import { readPublic } from './tss2-objects.ts';

// TypeScript does not know that these are the ids of the test: they are only written into a certificate here.
const organisation = '0198a0de-0000-7000-8000-000000000001' as OrganisationId;
const device = '0198a0de-0000-7000-8000-000000000002' as DeviceId;

const ENGINE = join(import.meta.dirname, 'openssl-engine.ts');

/** A key that Node's TLS never sees: only its signatures. */
interface Hidden {
  key: TpmHandle;
  publicKey: Buffer;
  certificate: string;
}

test('an OpenSSL without engines is told apart from a key that does not work', async () => {
  // The C library stands in for a Node whose OpenSSL has lost these functions: it never had them.
  const program = `
    import { createRequire } from 'node:module';
    const koffi = createRequire(${JSON.stringify(import.meta.url)})('koffi');
    const load = koffi.load;
    koffi.load = (path) => load(path ?? 'libc.so.6');
    const { registerEngineKey } = await import(${JSON.stringify(ENGINE)});
    try {
      registerEngineKey(Buffer.alloc(91), () => Buffer.alloc(0));
    } catch (error) {
      console.log(error.code, error.message, error.hint);
    }`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  expect(stdout).toMatch(/^platform\/unsupported The OpenSSL of this Node \(3\..*\) has no engines/);
});

// Keys in a TPM, because Node signs a digest that is there already with no key of its own.
describe.skipIf(tpmUnavailable)(`a key behind an engine ${tpmUnavailable ?? ''}`, { timeout: 30_000 }, () => {
  let chip: TestTpm;
  let tpm: Tpm;
  let authority: TestAuthority;
  let server: Server;
  let port: number;
  let hidden: Hidden;
  let other: Hidden;
  const registered: EngineKey[] = [];

  beforeAll(async () => {
    authority = await TestAuthority.create();
    chip = await TestTpm.start();
    tpm = Tpm.open(chip.tcti);
    [hidden, other] = [await hide(), await hide()];
    const { certificate, key } = await authority.issueServer();
    server = createServer(
      { cert: certificate, key, ca: authority.rootPem, requestCert: true, rejectUnauthorized: true },
      (socket) => socket.end(String(socket.getPeerCertificate().subject.CN)),
    );
    // A client that gives up in the middle of the handshake is what some of these tests are about.
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // A server that listens on a TCP port has an address of this kind.
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => {
    for (const key of registered.splice(0)) key[Symbol.dispose]();
  });
  afterAll(async () => {
    server?.close();
    tpm?.[Symbol.dispose]();
    await chip?.stop();
  });

  async function hide(): Promise<Hidden> {
    const key = openDeviceKey(tpm, randomBytes(32));
    const publicKey = parsePublicKey(readPublic(tpm, key)).export({ type: 'spki', format: 'der' });
    const csr = await createCertificateRequest(publicKey, 'x', async (data) =>
      signer({ key }, [])(createHash('sha256').update(data).digest()),
    );
    return { key, publicKey, certificate: await authority.issueDevice(csr, organisation, device) };
  }

  function register({ publicKey }: Hidden, by: (digest: Buffer) => Buffer): EngineKey {
    const key = registerEngineKey(publicKey, by);
    registered.push(key);
    return key;
  }

  function options(key: EngineKey, certificate: string): SecureContextOptions {
    return {
      privateKeyEngine: key.engine,
      privateKeyIdentifier: key.identifier,
      cert: certificate,
      ca: authority.rootPem,
    };
  }

  /** @returns what the server says that the client is called */
  async function whoAmI(tls: SecureContextOptions): Promise<string> {
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ...tls });
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  function signer({ key }: Pick<Hidden, 'key'>, digests: Buffer[]): (digest: Buffer) => Buffer {
    return (digest) => {
      digests.push(digest);
      return signatureToDer(signDigest(tpm, key, digest));
    };
  }

  test.each(['TLSv1.3', 'TLSv1.2'] as const)('proves who the client is (%s)', async (version) => {
    const digests: Buffer[] = [];
    const tls = options(register(hidden, signer(hidden, digests)), hidden.certificate);
    expect(await whoAmI({ ...tls, minVersion: version, maxVersion: version })).toBe(device);
    expect(digests.map((digest) => digest.length)).toEqual([32]);
  });

  test('another key does not fit the certificate', () => {
    const key = register(other, signer(other, []));
    expect(() => createSecureContext(options(key, hidden.certificate))).toThrowError(/key values mismatch/);
  });

  test('a signature of another key is refused by the server', async () => {
    const tls = options(register(hidden, signer(other, [])), hidden.certificate);
    await expect(whoAmI({ ...tls, minVersion: 'TLSv1.3' })).rejects.toThrowError(/decrypt error/);
  });

  test('a key that fails in the middle of a handshake fails that handshake, and says why', async () => {
    let isBroken = true;
    const key = register(hidden, (digest) => {
      if (isBroken) throw new Error('The TPM is on holiday.');
      return signer(hidden, [])(digest);
    });
    const tls = options(key, hidden.certificate);
    await expect(whoAmI(tls)).rejects.toThrowError(/The TPM is on holiday\./);
    isBroken = false;
    expect(await whoAmI(tls)).toBe(device);
  });

  test('a signature that does not fit is not written past the end', async () => {
    const key = register(hidden, () => Buffer.alloc(4096, 0x41));
    await expect(whoAmI(options(key, hidden.certificate))).rejects.toThrowError(/too long/);
  });

  test('a key that was given up signs no more, also for contexts made before', async () => {
    const key = registerEngineKey(hidden.publicKey, signer(hidden, []));
    const tls = options(key, hidden.certificate);
    const secureContext = createSecureContext(tls);
    key[Symbol.dispose]();
    key[Symbol.dispose]();
    expect(() => createSecureContext(tls)).toThrowError();
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, secureContext });
    const [error] = await once(socket, 'error');
    expect(String(error)).toMatch(/not in use any more/);
  });

  test('what is not a P-256 key is refused', () => {
    expect(() => registerEngineKey(Buffer.alloc(65, 4), () => Buffer.alloc(0))).toThrowError(
      expect.objectContaining({ code: 'request/invalid' }),
    );
  });

  test('thousands of contexts and hundreds of keys use one engine, and no memory that stays', async () => {
    // In a process of its own, where nothing else takes memory meanwhile.
    const program = `
      import { createSecureContext } from 'node:tls';
      import { registerEngineKey } from ${JSON.stringify(ENGINE)};
      const publicKey = Buffer.from(${JSON.stringify(hidden.publicKey.toString('base64'))}, 'base64');
      const cert = ${JSON.stringify(hidden.certificate)};
      const engines = new Set();
      const register = () => {
        const key = registerEngineKey(publicKey, () => Buffer.alloc(0));
        engines.add(key.engine);
        return key;
      };
      const keys = () => {
        for (let made = 0; made < 20_000; made += 1) register()[Symbol.dispose]();
      };
      const contexts = async () => {
        using key = register();
        const options = { privateKeyEngine: key.engine, privateKeyIdentifier: key.identifier, cert };
        for (let made = 0; made < 1_000; made += 1) {
          createSecureContext(options);
          // They are given back between two turns of the event loop.
          if (made % 10 === 0) await new Promise((next) => setImmediate(next));
        }
      };
      const used = async (work) => {
        await work();
        gc();
        await new Promise((next) => setImmediate(next));
        return process.memoryUsage.rss();
      };
      const warm = [await used(keys), await used(contexts), await used(keys), await used(contexts)];
      const [afterKeys, afterContexts] = [await used(keys), await used(contexts)];
      console.log(JSON.stringify({ engines: engines.size, keys: afterKeys - warm[3], contexts: afterContexts - afterKeys }));`;
    const args = ['--expose-gc', '--input-type=module', '-e', program];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    expect(stderr).toBe('');
    const grown = JSON.parse(stdout);
    expect(grown.engines).toBe(1);
    // Twenty thousand keys that stayed would take 20 MB or more, a thousand contexts 30 MB.
    expect(grown.keys).toBeLessThan(8 * 1024 * 1024);
    expect(grown.contexts).toBeLessThan(8 * 1024 * 1024);
  }, 30_000);
});
