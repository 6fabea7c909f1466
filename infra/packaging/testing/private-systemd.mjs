import { existsSync } from 'node:fs';
import { PrivateMounts } from './private-mounts.mjs';
import { until } from './until.mjs';

const SYSTEMD = '/lib/systemd/systemd';

/**
 * Makes a folder what the systemd that boots a system leaves in /run, and what units with hardening are mounted from.
 * The socket's maker is killed so that it does not remove it.
 *
 * @param {string} run
 */
export const RUN_OF_SYSTEMD = (run) => `
mount -t tmpfs tmpfs ${run}
mkdir -p ${run}/systemd/system ${run}/systemd/inaccessible/dir ${run}/user/0
cd ${run}/systemd/inaccessible
: > reg
mkfifo fifo
mknod chr c 0 0
mknod blk b 0 0
"$NODE" -e "require('net').createServer().listen('sock', () => process.kill(process.pid, 'SIGKILL'))" || true
cd /
`;

/** A real systemd that supervises real units, without being the one that runs this machine. */
export class PrivateSystemd {
  /** @type {PrivateMounts} */
  #mounts;

  /** @param {PrivateMounts} mounts */
  constructor(mounts) {
    this.#mounts = mounts;
  }

  static unavailable() {
    return PrivateMounts.unavailable() ?? (existsSync(SYSTEMD) ? undefined : 'needs systemd installed');
  }

  /**
   * @param {string} configFolder - units are in `systemd/user` below it.
   * @param {string} [mounts] - more of what its units shall see, as shell.
   */
  static async start(configFolder, mounts = '') {
    const systemd = new PrivateSystemd(
      await PrivateMounts.enter(`${RUN_OF_SYSTEMD('/run')}\n${mounts}\necho ready\nexec ${SYSTEMD} --user`, {
        NODE: process.execPath,
        XDG_RUNTIME_DIR: '/run/user/0',
        XDG_CONFIG_HOME: configFolder,
      }),
    );
    await until(async () => (await systemd.tell('is-system-running')).stdout.trim() !== '');
    return systemd;
  }

  /** @param {string[]} command - of systemctl. */
  tell(...command) {
    return this.#mounts.run(['systemctl', '--user', ...command], { XDG_RUNTIME_DIR: '/run/user/0' });
  }

  /**
   * @param {string} unit
   * @param {string} property
   */
  async property(unit, property) {
    return (await this.tell('show', unit, `--property=${property}`, '--value')).stdout.trim();
  }

  async stop() {
    // Units would outlive their systemd.
    await this.tell('stop', 'raypher.service');
    await this.#mounts.leave();
  }
}
