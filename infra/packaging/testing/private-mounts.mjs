import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/**
 * A mount namespace of its own, in which tests mount what they like: nothing of it is seen outside, and everything is
 * gone when the process that holds it ends.
 */
export class PrivateMounts {
  /** @type {import('node:child_process').ChildProcess} */
  #holder;

  /** @param {import('node:child_process').ChildProcess} holder */
  constructor(holder) {
    this.#holder = holder;
  }

  /** Why this machine has none for us; undefined when it has. */
  static unavailable() {
    if (process.platform !== 'linux') return 'needs Linux';
    if (process.getuid?.() !== 0) return 'needs root: run the tests as root to see this';
    const { status, stderr, error } = spawnSync('unshare', ['-m', '--propagation', 'private', 'true'], {
      encoding: 'utf8',
    });
    return status === 0 ? undefined : `needs mount namespaces: ${error?.message ?? stderr.trim()}`;
  }

  /**
   * @param {string} script - shell; prints `ready` when everything is mounted, and then stays.
   * @param {Record<string, string>} [environment]
   */
  static async enter(script, environment = {}) {
    const holder = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-ec', script], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    holder.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const ended = once(holder, 'exit').then(() => {
      throw new Error(`The private mounts could not be made: ${said.trim()}`);
    });
    const ready = (async () => {
      for await (const chunk of holder.stdout) if (String(chunk).includes('ready')) return;
    })();
    ended.catch(() => {});
    await Promise.race([ready, ended]);
    return new PrivateMounts(holder);
  }

  /**
   * Runs a program inside.
   *
   * @param {string[]} command
   * @param {Record<string, string>} [environment]
   * @returns {Promise<{ status: number | null, stdout: string, stderr: string }>}
   */
  async run(command, environment = {}) {
    const child = spawn('nsenter', ['-t', String(this.#holder.pid), '-m', ...command], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 110_000,
    });
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { status, stdout, stderr };
  }

  async leave() {
    if (this.#holder.exitCode !== null) return;
    const gone = once(this.#holder, 'exit');
    this.#holder.kill('SIGKILL');
    await gone;
  }
}
