import { chmod, chown, lstat, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';

/** `sun_path` has 104 bytes on macOS and 108 on Linux, with the zero at the end. */
const LONGEST_PATH = 103;
const OTHERS_MAY_WRITE = 0o022;

export interface SocketFile {
  readonly path: string;
  /** Such as 0o600 or 0o660. Nothing for others. */
  readonly mode: number;
  /** Group id, for 0o660. */
  readonly group?: number | undefined;
}

/** A socket that could not be made. */
export class GateSocketError extends Error {
  override readonly name = 'GateSocketError';
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

async function checkPlace({ path, mode }: SocketFile): Promise<void> {
  if (process.platform === 'win32') throw new GateSocketError('Unix sockets have no mode on Windows.');
  if ((mode & ~0o660) !== 0) throw new GateSocketError('The mode of the socket is 0600 or 0660.');
  const folder = await stat(dirname(path));
  if ((folder.mode & OTHERS_MAY_WRITE) !== 0) {
    throw new GateSocketError(`Others may write to ${dirname(path)} and could put their own socket there.`);
  }
  if (folder.uid !== 0 && folder.uid !== process.getuid?.()) {
    throw new GateSocketError(`${dirname(path)} belongs to somebody else.`);
  }
  const there = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (there === undefined) return;
  if (!there.isSocket()) throw new GateSocketError(`${path} exists and is no socket.`);
  if (await answers(path)) throw new GateSocketError(`Somebody answers at ${path} already.`);
}

/**
 * Makes a server listen at a path. The socket is bound in a folder that only this user can enter and moved to
 * its place when its mode is right: at no time can anybody connect whom the mode keeps out. What a crashed
 * gate left behind is replaced; a living one, or a file, is not.
 *
 * @returns what removes the socket again, unless it is another one by then
 * @throws GateSocketError
 */
export async function bindPrivateSocket(server: Server, file: SocketFile): Promise<() => Promise<void>> {
  await checkPlace(file);
  const folder = await mkdtemp(join(dirname(file.path), '.gate-'));
  try {
    const hidden = join(folder, basename(file.path).slice(0, 1));
    for (const path of [hidden, file.path]) {
      if (Buffer.byteLength(path) > LONGEST_PATH)
        throw new GateSocketError(`${path} is too long for a socket.`);
    }
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(hidden, () => {
        server.off('error', reject);
        resolve();
      });
    });
    if (file.group !== undefined) await chown(hidden, -1, file.group);
    await chmod(hidden, file.mode);
    const { ino, dev } = await stat(hidden);
    await rename(hidden, file.path);
    return async () => {
      const there = await lstat(file.path).catch(() => undefined);
      if (there?.ino === ino && there.dev === dev) await rm(file.path, { force: true });
    };
  } catch (error) {
    server.close();
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
