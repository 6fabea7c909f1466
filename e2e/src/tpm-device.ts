import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Daemon, freePort, startDaemon, type TestTpm } from '@raypher/testkit';
import type { Product } from './product.ts';

const RAYPHER = fileURLToPath(new URL('../../apps/edge-agent/dist/cli/main.js', import.meta.url));

/** What a command left behind. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Another device on this machine: a data folder, a configuration and a TPM of its own. */
export class TpmDevice {
  readonly folder = mkdtempSync(join(tmpdir(), 'raypher-device-'));
  readonly dataDir = join(this.folder, 'data');
  readonly logFile = join(this.folder, 'service.log');
  readonly proxyPort: number;
  readonly #config = join(this.folder, 'agent.toml');
  #service: Daemon | undefined;

  private constructor(proxyPort: number) {
    this.proxyPort = proxyPort;
    mkdirSync(this.dataDir, { mode: 0o700 });
  }

  /** @param hosts of providers, which lead to `upstream` */
  static async create(tpm: TestTpm, upstream = '', hosts: readonly string[] = []): Promise<TpmDevice> {
    const device = new TpmDevice(await freePort());
    device.use(tpm, upstream, hosts);
    return device;
  }

  /** The same data folder in front of a TPM, which may be another one than before. */
  use(tpm: TestTpm, upstream = '', hosts: readonly string[] = []): void {
    writeFileSync(
      this.#config,
      [
        `data_dir = "${this.dataDir}"`,
        `tpm.tcti = "${tpm.tcti}"`,
        `proxy.port = ${this.proxyPort}`,
        '[proxy.connect_to]',
        ...hosts.map((host) => `"${host}" = "${upstream}"`),
        '',
      ].join('\n'),
    );
  }

  /** Takes another device's data folder, as somebody with its disk does. */
  copyDataOf(other: TpmDevice): void {
    cpSync(other.dataDir, this.dataDir, {
      recursive: true,
      // Sockets are no data.
      filter: (path) => !path.endsWith('.sock'),
    });
  }

  /** @returns how many files below the data folder have such a name */
  files(name: RegExp): string[] {
    return readdirSync(this.dataDir, { recursive: true, encoding: 'utf8' }).filter((path) => name.test(path));
  }

  async raypher(args: readonly string[], input = ''): Promise<Ran> {
    const { promise, resolve } = Promise.withResolvers<Ran>();
    const child = execFile(
      process.execPath,
      [RAYPHER, ...args, '--config', this.#config],
      { env: { PATH: process.env.PATH }, timeout: 60_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.end(input);
    return promise;
  }

  /** Enrols with a fresh token. @returns what the command said */
  async enrol(product: Product, ...more: string[]): Promise<Ran> {
    const { token } = await product.api<{ token: string }>('POST', '/v1/enrolment-tokens', {
      name: 'tpm device',
      maxUses: 1,
    });
    const file = join(this.folder, 'token');
    writeFileSync(file, token, { mode: 0o600 });
    const { enrolment } = product.stack.urls;
    return this.raypher(['enroll', '--server', enrolment, '--token-file', file, ...more]);
  }

  get pid(): number {
    const pid = this.#service?.pid;
    if (pid === undefined) throw new Error('the service is not running');
    return pid;
  }

  /** Returns when the service answers the command line. */
  async start(): Promise<void> {
    this.#service = await startDaemon({
      command: process.execPath,
      args: [RAYPHER, 'service', '--config', this.#config],
      env: { PATH: process.env.PATH ?? '' },
      ready: async () => (await this.raypher(['status'])).code === 0,
      stopSignal: 'SIGTERM',
      logFile: this.logFile,
    });
  }

  async stop(): Promise<void> {
    await this.#service?.stop();
    this.#service = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
