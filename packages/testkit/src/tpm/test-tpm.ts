import { execFile } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { type Daemon, startDaemon } from '../processes/daemon.ts';

const execute = promisify(execFile);
const PROGRAMS = ['swtpm', 'swtpm_setup', 'tpm2'] as const;

/** Why tests that need a TPM cannot run on this machine; undefined when they can. */
export const tpmUnavailable: string | undefined = missingPrograms();

function missingPrograms(): string | undefined {
  if (process.platform !== 'linux') return 'unavailable(TPMs are read on Linux only)';
  const missing = PROGRAMS.filter((program) => findProgram(program) === undefined);
  return missing.length === 0 ? undefined : `unavailable(${missing.join(', ')} not installed)`;
}

/** @returns the path of a program that can be started by its name */
function findProgram(name: string): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export interface TestTpmOptions {
  /** As from a factory: endorsement keys made persistent, their certificates in NV. Otherwise an empty TPM. */
  manufactured?: boolean;
  /** Leaves out TPM2_Startup, which firmware does. */
  startedUp?: boolean;
}

/**
 * A whole TPM 2.0 in a program (swtpm) of its own, without a resource manager before it: three object slots, and what
 * one connection leaves behind is there for the next one.
 */
export class TestTpm {
  readonly tcti: string;
  readonly #folder: string;
  readonly #startedUp: boolean;
  #daemon: Daemon | undefined;

  private constructor(folder: string, startedUp: boolean) {
    this.#folder = folder;
    this.#startedUp = startedUp;
    this.tcti = `swtpm:path=${join(folder, 'socket')}`;
  }

  static async start({ manufactured = false, startedUp = true }: TestTpmOptions = {}): Promise<TestTpm> {
    const folder = mkdtempSync(join(tmpdir(), 'raypher-tpm-'));
    mkdirSync(join(folder, 'state'));
    if (manufactured) await manufacture(folder);
    const tpm = new TestTpm(folder, startedUp);
    await tpm.#powerOn();
    return tpm;
  }

  /** Off and on again: what was in its slots is gone, what is in its non-volatile memory stays. */
  async powerCycle(): Promise<void> {
    await this.#daemon?.stop();
    await this.#powerOn();
  }

  /** Nothing answers until the next {@link powerCycle}. */
  async powerOff(): Promise<void> {
    await this.#daemon?.stop();
  }

  /** Another TPM, at the same address. */
  async replace(): Promise<void> {
    await this.#daemon?.stop();
    rmSync(this.file('state'), { recursive: true });
    mkdirSync(this.file('state'));
    await this.#powerOn();
  }

  /** Runs one of the tpm2-tools on it, which are independent of our own code. @returns what it printed */
  async tool(name: string, ...args: string[]): Promise<string> {
    const env = { ...process.env, TPM2TOOLS_TCTI: this.tcti, TSS2_LOG: 'all+NONE' };
    const { stdout } = await execute('tpm2', [name, ...args], { env, cwd: this.#folder });
    return stdout;
  }

  /** A file beside the TPM's own, for what tools read and write. */
  file(name: string): string {
    return join(this.#folder, name);
  }

  /** All bytes that went to the TPM and came from it since it was made, as somebody on the bus sees them. */
  traffic(): Buffer {
    const lines = readFileSync(this.file('log'), 'utf8').split('\n');
    const dumped = lines.filter((line) => /^\s*(?:[0-9A-F]{2}\s+)*[0-9A-F]{2}\s*$/.test(line));
    return Buffer.from(dumped.join('').replace(/\s/g, ''), 'hex');
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #powerOn(): Promise<void> {
    const pidFile = this.file('pid');
    for (const left of ['pid', 'socket', 'socket.ctrl']) rmSync(this.file(left), { force: true });
    this.#daemon = await startDaemon({
      command: 'swtpm',
      args: [
        'socket',
        '--tpm2',
        ...['--tpmstate', `dir=${this.file('state')}`],
        ...['--server', `type=unixio,path=${this.file('socket')}`],
        ...['--ctrl', `type=unixio,path=${this.file('socket.ctrl')}`],
        ...['--flags', this.#startedUp ? 'startup-clear' : 'not-need-init'],
        // Not to our pipe: while this process waits for the TPM, nobody would empty it.
        ...['--log', `file=${this.file('log')},level=20`],
        ...['--pid', `file=${pidFile}`],
      ],
      // Written when it listens.
      ready: async () => existsSync(pidFile),
      stopSignal: 'SIGTERM',
    });
  }
}

/** What the factory does, with a certificate authority of this TPM's own. */
async function manufacture(folder: string): Promise<void> {
  const write = (name: string, lines: string[]) => {
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
    return join(folder, name);
  };
  const authority = write('authority.conf', [
    `statedir = ${folder}`,
    `signingkey = ${join(folder, 'authority-key.pem')}`,
    `issuercert = ${join(folder, 'authority.pem')}`,
    `certserial = ${join(folder, 'serial')}`,
  ]);
  const options = write('authority.options', [
    '--platform-manufacturer Raypher',
    '--platform-version 1',
    '--platform-model test',
  ]);
  const setup = write('setup.conf', [
    `create_certs_tool = ${findProgram('swtpm_localca') ?? 'swtpm_localca'}`,
    `create_certs_tool_config = ${authority}`,
    `create_certs_tool_options = ${options}`,
    'active_pcr_banks = sha256',
  ]);
  const args = ['--tpm2', '--tpmstate', join(folder, 'state'), '--create-ek-cert', '--config', setup];
  await execute('swtpm_setup', args);
}
