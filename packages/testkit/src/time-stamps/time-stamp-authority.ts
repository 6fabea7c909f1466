import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';

const run = promisify(execFile);

const CONFIGURATION = `
[tsa]
default_tsa = here
[here]
serial = ./serial
crypto_device = builtin
signer_cert = ./tsa.crt
certs = ./root.crt
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
`;

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** NAME.key and NAME.crt, from the root in this folder. */
async function issue(folder: string, name: string, usage: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  await openssl('req', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
  writeFileSync(
    join(folder, 'extensions'),
    `extendedKeyUsage=${usage}\nkeyUsage=critical,digitalSignature\n`,
  );
  const issuer = ['-CA', 'root.crt', '-CAkey', 'root.key', '-CAcreateserial', '-days', '2'];
  await openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    ...issuer,
    '-out',
    `${name}.crt`,
    '-extfile',
    'extensions',
  );
}

/** A time stamping authority as OpenSSL has it (`openssl ts`), on loopback. */
export class TestTimeStampAuthority {
  private constructor(
    private readonly server: Server,
    private readonly folder: string,
    /** PEM of the root that its certificate leads to. */
    readonly root: string,
  ) {}

  static async start(): Promise<TestTimeStampAuthority> {
    const folder = mkdtempSync(join(tmpdir(), 'raypher-tsa-'));
    const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
    const root = ['-keyout', 'root.key', '-out', 'root.crt', '-days', '2', '-subj', '/CN=Root'];
    await openssl('req', '-x509', ...NEW_KEY, ...root);
    await issue(folder, 'tsa', 'critical,timeStamping');
    await issue(folder, 'server', 'critical,serverAuth');
    writeFileSync(join(folder, 'openssl.cnf'), CONFIGURATION);
    writeFileSync(join(folder, 'serial'), '01\n');
    const server = createServer(async (request, response) => {
      writeFileSync(join(folder, 'query'), await buffer(request));
      const reply = ['ts', '-reply', '-config', 'openssl.cnf', '-queryfile', 'query', '-out', 'reply'];
      try {
        await openssl(...reply);
        response
          .setHeader('content-type', 'application/timestamp-reply')
          .end(readFileSync(join(folder, 'reply')));
      } catch {
        response.writeHead(500).end();
      }
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new TestTimeStampAuthority(server, folder, readFileSync(join(folder, 'root.crt'), 'utf8'));
  }

  get url(): string {
    // It listens on TCP, so its address is an AddressInfo.
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** A token over these bytes, DER, as a program of somebody else gets it. */
  async stamp(data: Uint8Array): Promise<Buffer> {
    writeFileSync(join(this.folder, 'data'), data);
    const openssl = (...args: string[]) => run('openssl', args, { cwd: this.folder });
    await openssl('ts', '-query', '-data', 'data', '-sha256', '-cert', '-out', 'own-query');
    const reply = ['ts', '-reply', '-config', 'openssl.cnf', '-queryfile', 'own-query'];
    await openssl(...reply, '-token_out', '-out', 'own-token');
    return readFileSync(join(this.folder, 'own-token'));
  }

  /** The same time over the same data, signed by a certificate of the same root that is for something else. */
  async signElsewhere(tstInfo: Uint8Array): Promise<Buffer> {
    writeFileSync(join(this.folder, 'info'), tstInfo);
    const type = ['-econtent_type', '1.2.840.113549.1.9.16.1.4', '-binary', '-nodetach', '-nosmimecap'];
    const signer = ['-signer', 'server.crt', '-inkey', 'server.key', '-md', 'sha256'];
    const files = ['-in', 'info', '-outform', 'DER', '-out', 'token'];
    await run('openssl', ['cms', '-sign', ...type, ...signer, ...files], { cwd: this.folder });
    return readFileSync(join(this.folder, 'token'));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
