import { PrivateMounts } from './private-mounts.mjs';
import { RUN_OF_SYSTEMD } from './private-systemd.mjs';
import { until } from './until.mjs';

/** Where the pieces are, inside the namespace only. */
const BASE = '/mnt';

/**
 * This system as it is, with everything that is written to it kept apart: what a package leaves behind can be listed.
 * /sys is the real one, because control groups are; /run is empty, as in a system that systemd does not run.
 */
const MOUNT = `
mount -t tmpfs tmpfs ${BASE}
mkdir ${BASE}/upper ${BASE}/work ${BASE}/root
mount -t overlay overlay -o lowerdir=/,upperdir=${BASE}/upper,workdir=${BASE}/work ${BASE}/root
mount -t proc proc ${BASE}/root/proc
mount --rbind /sys ${BASE}/root/sys
mount --rbind /dev ${BASE}/root/dev
mount -t tmpfs tmpfs ${BASE}/root/run
mount -t tmpfs tmpfs ${BASE}/root/tmp
`;

const STAY = `
echo ready
exec sleep infinity
`;

/**
 * A systemd for this root. It is one for a user, because only the first process of a system can be the other; its
 * folder of units is that of the system, and `systemctl` speaks to it.
 */
const SYSTEMD = `
${RUN_OF_SYSTEMD(`${BASE}/root/run`)}
mkdir -p ${BASE}/root/run/bin ${BASE}/root/run/units/systemd
ln -s /etc/systemd/system ${BASE}/root/run/units/systemd/user
printf '#!/bin/sh\\nexec /usr/bin/systemctl --user "$@"\\n' > ${BASE}/root/run/bin/systemctl
chmod 755 ${BASE}/root/run/bin/systemctl
mkdir ${BASE}/root/run/systemd/user
printf '[Unit]\\nDescription=nothing\\n' > ${BASE}/root/run/systemd/user/nothing.target
# A user's systemd has its state elsewhere: the folder that StateDirectory= opens is not the one of the system.
mkdir ${BASE}/root/run/systemd/user/raypher.service.d
printf '[Service]\\nReadWritePaths=/var/lib/raypher\\n' > ${BASE}/root/run/systemd/user/raypher.service.d/state.conf
echo ready
exec chroot ${BASE}/root /lib/systemd/systemd --user --unit=nothing.target
`;

const ENVIRONMENT = { XDG_RUNTIME_DIR: '/run/user/0', XDG_CONFIG_HOME: '/run/units' };

export class CleanRoot {
  /** @type {PrivateMounts} */
  #mounts;

  /** @param {PrivateMounts} mounts */
  constructor(mounts) {
    this.#mounts = mounts;
  }

  static async enter() {
    return new CleanRoot(await PrivateMounts.enter(MOUNT + STAY));
  }

  /** With a systemd that supervises what is installed there. */
  static async boot() {
    const mounts = await PrivateMounts.enter(MOUNT + SYSTEMD, { NODE: process.execPath, ...ENVIRONMENT });
    const root = new CleanRoot(mounts);
    await until(async () => (await root.run('systemctl', 'is-system-running')).stdout.trim() !== '');
    return root;
  }

  /**
   * Runs a program in it, with the environment that root has on a fresh system and no Node.js on its path.
   *
   * @param {string[]} command
   */
  run(...command) {
    return this.#mounts.run([
      'chroot',
      `${BASE}/root`,
      'env',
      '-i',
      'PATH=/run/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...Object.entries(ENVIRONMENT).map(([name, value]) => `${name}=${value}`),
      'HOME=/root',
      'DEBIAN_FRONTEND=noninteractive',
      ...command,
    ]);
  }

  /**
   * @param {string} file - of this system.
   * @param {string} path - inside.
   */
  async copy(file, path) {
    const { status, stderr } = await this.#mounts.run(['cp', file, `${BASE}/root${path}`]);
    if (status !== 0) throw new Error(stderr);
  }

  /** Every file, link and folder that was written, changed or removed in it. */
  async changes() {
    const { stdout } = await this.#mounts.run([
      'find',
      `${BASE}/upper`,
      '-mindepth',
      '1',
      '-printf',
      '/%P %y\\n',
    ]);
    return stdout.trim().split('\n').toSorted();
  }

  async leave() {
    // Units have to be stopped by their systemd: they would outlive it. Without one this says so, and nothing is lost.
    await this.run('systemctl', 'stop', 'raypher.service');
    await this.#mounts.leave();
  }
}
