import { PrivateMounts } from './private-mounts.mjs';

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
echo ready
exec sleep infinity
`;

export class CleanRoot {
  /** @type {PrivateMounts} */
  #mounts;

  /** @param {PrivateMounts} mounts */
  constructor(mounts) {
    this.#mounts = mounts;
  }

  static async enter() {
    return new CleanRoot(await PrivateMounts.enter(MOUNT));
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
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      'HOME=/root',
      'DEBIAN_FRONTEND=noninteractive',
      ...command,
    ]);
  }

  /**
   * @param {string} file - of this system.
   * @param {string} path - inside.
   */
  copy(file, path) {
    const { status, stderr } = this.#mounts.run(['cp', file, `${BASE}/root${path}`]);
    if (status !== 0) throw new Error(stderr);
  }

  /** Every file, link and folder that was written, changed or removed in it. */
  changes() {
    const { stdout } = this.#mounts.run(['find', `${BASE}/upper`, '-mindepth', '1', '-printf', '/%P %y\\n']);
    return stdout.trim().split('\n').toSorted();
  }

  leave() {
    return this.#mounts.leave();
  }
}
