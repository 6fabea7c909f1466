import { execFile, execFileSync } from 'node:child_process';
import { chmod, mkdtemp, open, rm, rmdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PIECE = Buffer.alloc(1 << 20);

/** A file system of its own, in memory, that can be filled to the last byte and freed again. */
export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;
  readonly #unmountAtExit = () => {
    execFileSync('umount', ['--lazy', this.path]);
  };

  private constructor(path: string) {
    this.path = path;
    this.#ballast = join(path, 'ballast');
    process.once('exit', this.#unmountAtExit);
  }

  /** @returns undefined where we have no right to mount */
  static async mount(megabytes: number): Promise<SmallDisk | undefined> {
    const path = await mkdtemp(join(tmpdir(), 'raypher-disk-'));
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0711`, 'tmpfs', path]);
    } catch {
      await rmdir(path);
      return undefined;
    }
    // Whoever runs the database must be able to pass through, whatever the umask is.
    await chmod(path, 0o711);
    return new SmallDisk(path);
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path);
    return bavail * bsize;
  }

  async fill(): Promise<void> {
    const file = await open(this.#ballast, 'a', 0o600);
    try {
      for (let size = PIECE.length; size > 0; ) {
        try {
          await file.write(PIECE, 0, size);
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
          size >>= 1;
        }
      }
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  async unmount(): Promise<void> {
    process.off('exit', this.#unmountAtExit);
    await run('umount', [this.path]);
    await rmdir(this.path);
  }
}
