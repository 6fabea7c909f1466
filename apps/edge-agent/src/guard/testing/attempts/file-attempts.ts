import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative } from 'node:path';
import { compatSystemCall, placeInMemory, rawSystemCall } from '../../../native/raw-system-call.ts';
import { type Attempt, NotHere } from '../attempt-definition.ts';
import { NO_COMPAT_CALLS } from '../compat-calls.ts';
import { contentOfDatabase, type Stage } from '../stage.ts';
import { IO_URING_OPERATIONS, submit } from './io-uring.ts';
import { readMarker } from './read-marker.ts';
import { runTool } from './run-inside.ts';

const AT_FDCWD = -100;
const O_PATH = 0o10000000;
const AT_HANDLE_BYTES = 128;
const RENAME_EXCHANGE = 2;
const S_IFBLK = 0o060000;

const databaseChanged = (stage: Stage): boolean =>
  !existsSync(stage.database) || readFileSync(stage.database, 'utf8') !== contentOfDatabase(stage);
const databaseGone = (stage: Stage): boolean => !existsSync(stage.database);
const text = (value: string): bigint => placeInMemory(Buffer.from(value));

/** Reading what is forbidden to read. */
const READING: readonly Omit<Attempt, 'stoppedBy'>[] = [
  {
    id: 'read-secret',
    tries: 'open a forbidden file',
    attempt: (stage) => readMarker(stage, stage.secret),
  },
  {
    id: 'list-folder',
    tries: 'list a forbidden folder',
    attempt: (stage) => void readdirSync(stage.vault),
  },
  {
    id: 'read-through-symlink',
    tries: 'open it through a symbolic link of its own',
    attempt: (stage) => {
      symlinkSync(stage.secret, join(stage.scratch, 'link'));
      readMarker(stage, join(stage.scratch, 'link'));
    },
  },
  {
    id: 'read-through-folder-symlink',
    tries: 'open it through a symbolic link to its folder',
    attempt: (stage) => {
      symlinkSync(stage.vault, join(stage.scratch, 'folder'));
      readMarker(stage, join(stage.scratch, 'folder', basename(stage.secret)));
    },
  },
  {
    id: 'read-by-dots',
    tries: 'spell its path with .. and .',
    attempt: (stage) => readMarker(stage, `${stage.scratch}/../vault/./sub/..//secret.txt`),
  },
  {
    id: 'hard-link-then-read',
    tries: 'make a hard link to it elsewhere and open that',
    attempt: (stage) => {
      linkSync(stage.secret, join(stage.scratch, 'hard'));
      readMarker(stage, join(stage.scratch, 'hard'));
    },
  },
  {
    id: 'rename-then-read',
    tries: 'move it away and open it there',
    attempt: (stage) => {
      renameSync(stage.secret, join(stage.scratch, 'moved'));
      readMarker(stage, join(stage.scratch, 'moved'));
    },
  },
  {
    id: 'rename-folder-then-read',
    tries: 'move its folder away and open it there',
    attempt: (stage) => {
      const elsewhere = join(stage.scratch, 'vault');
      renameSync(stage.vault, elsewhere);
      try {
        readMarker(stage, join(elsewhere, basename(stage.secret)));
      } finally {
        renameSync(elsewhere, stage.vault);
      }
    },
  },
  {
    id: 'read-through-proc-root',
    tries: 'open it through /proc/self/root',
    attempt: (stage) => readMarker(stage, `/proc/self/root${stage.secret}`),
  },
  {
    id: 'read-through-proc-cwd',
    tries: 'open it through /proc/self/cwd',
    attempt: (stage) => {
      readMarker(stage, `/proc/self/cwd/${relative(process.cwd(), stage.secret)}`);
    },
  },
  {
    id: 'o-path-then-reopen',
    tries: 'get a descriptor with O_PATH and open it again through /proc/self/fd',
    attempt: (stage) => {
      const fd = openSync(stage.secret, O_PATH);
      try {
        readMarker(stage, `/proc/self/fd/${fd}`);
      } finally {
        closeSync(fd);
      }
    },
  },
  {
    id: 'openat2-in-root',
    tries: 'openat2 with RESOLVE_IN_ROOT, its folder as the root',
    attempt: (stage) => {
      const folder = openSync(stage.vault, O_PATH);
      const how = Buffer.alloc(24);
      how.writeBigUInt64LE(0x10n, 16);
      try {
        readMarker(stage, Number(rawSystemCall('openat2', folder, '/secret.txt', how, how.length)));
      } finally {
        closeSync(folder);
      }
    },
  },
  {
    id: 'open-by-handle',
    tries: 'open_by_handle_at, with no path at all',
    attempt: (stage) => {
      const handle = Buffer.alloc(8 + AT_HANDLE_BYTES);
      handle.writeUInt32LE(AT_HANDLE_BYTES, 0);
      rawSystemCall('nameToHandleAt', AT_FDCWD, stage.secret, handle, Buffer.alloc(4), 0);
      const mount = openSync(stage.folder, 'r');
      try {
        readMarker(stage, Number(rawSystemCall('openByHandleAt', mount, handle, 0)));
      } finally {
        closeSync(mount);
      }
    },
  },
  {
    id: 'io-uring-open',
    tries: 'have io_uring open it',
    attempt: (stage) => {
      const { openat } = IO_URING_OPERATIONS;
      readMarker(stage, submit({ operation: openat, fd: AT_FDCWD, address: text(stage.secret) }));
    },
  },
  {
    id: 'io-uring-polled-open',
    tries: 'have the polling thread of io_uring open it',
    attempt: (stage) => {
      const { openat } = IO_URING_OPERATIONS;
      readMarker(stage, submit({ operation: openat, fd: AT_FDCWD, address: text(stage.secret) }, true));
    },
  },
  {
    id: 'open-by-32-bit-call',
    tries: 'open it by the system call of 32-bit programs (int 0x80)',
    attempt: (stage) => readMarker(stage, compatCall(stage, 5, stage.secret)),
  },
  {
    id: 'chroot-then-read',
    tries: 'make its folder the root folder and open /secret.txt',
    alone: true,
    attempt: (stage) => {
      rawSystemCall('chroot', stage.vault);
      readMarker(stage, '/secret.txt');
    },
  },
  {
    id: 'bind-mount-then-read',
    tries: 'mount its folder a second time and open it there',
    attempt: (stage) => {
      const place = folderIn(stage, 'bound');
      rawSystemCall('mount', stage.vault, place, null, 0x1000, null);
      try {
        readMarker(stage, join(place, basename(stage.secret)));
      } finally {
        rawSystemCall('umount2', place, 2);
      }
    },
  },
  {
    id: 'detached-mount-then-read',
    tries: 'clone the mount of its folder with open_tree, never attached anywhere',
    attempt: (stage) => {
      const tree = Number(rawSystemCall('openTree', AT_FDCWD, stage.vault, 1));
      try {
        readMarker(stage, `/proc/self/fd/${tree}/${basename(stage.secret)}`);
      } finally {
        closeSync(tree);
      }
    },
  },
  {
    id: 'overlay-then-read',
    tries: 'mount an overlay with its folder below and open it there',
    attempt: (stage) => {
      const [place, upper, work] = ['merged', 'upper', 'work'].map((name) => folderIn(stage, name));
      const options = `lowerdir=${stage.vault},upperdir=${upper},workdir=${work}`;
      mountHere('overlay', place ?? '', 'overlay', options);
      try {
        readMarker(stage, join(place ?? '', basename(stage.secret)));
      } finally {
        rawSystemCall('umount2', place ?? '', 2);
      }
    },
  },
  {
    id: 'read-the-disk',
    tries: 'open the device that the file system is on',
    attempt: (stage) => readDevice(`/dev/block/${deviceOf(stage).join(':')}`, stage),
  },
  {
    id: 'make-a-device-file',
    tries: 'make a device file of its own for that device and open it',
    attempt: (stage) => {
      const node = join(stage.scratch, 'disk');
      const [major, minor] = deviceOf(stage);
      rawSystemCall('mknod', node, S_IFBLK | 0o600, (major << 8) | (minor & 0xff));
      readDevice(node, stage);
    },
  },
  {
    id: 'read-dot-env',
    tries: 'open a file whose name is forbidden wherever it is',
    attempt: (stage) => readMarker(stage, stage.dotEnv),
  },
  {
    id: 'rename-dot-env',
    tries: 'give it another name first',
    attempt: (stage) => {
      renameSync(stage.dotEnv, join(stage.scratch, 'env.txt'));
      readMarker(stage, join(stage.scratch, 'env.txt'));
    },
  },
  {
    id: 'link-dot-env',
    tries: 'give it a second name',
    attempt: (stage) => {
      linkSync(stage.dotEnv, join(stage.scratch, 'env.txt'));
      readMarker(stage, join(stage.scratch, 'env.txt'));
    },
  },
  {
    id: 'read-new-dot-env',
    tries: 'open a file of that name that came after the policy',
    attempt: (stage) => {
      // Made by the tree itself: writing is not forbidden, knowing what somebody put there is.
      mkdirSync(join(stage.scratch, 'new'));
      writeFileSync(join(stage.scratch, 'new', '.env'), stage.marker);
      readMarker(stage, join(stage.scratch, 'new', '.env'));
    },
  },
  {
    id: 'read-in-deep-folder',
    tries: 'open a forbidden name below 70 folders',
    attempt: (stage) => {
      const deep = join(stage.scratch, ...Array.from({ length: 70 }, () => 'd'));
      mkdirSync(deep, { recursive: true });
      writeFileSync(join(deep, '.env'), stage.marker);
      readMarker(stage, join(deep, '.env'));
    },
  },
  {
    id: 'ask-another-program',
    tries: 'speak to the socket of something that starts programs for others',
    attempt: async (stage) => {
      const { connect } = await import('node:net');
      if (!existsSync(stage.manager)) throw new NotHere('there is no such socket on this stage');
      await new Promise<void>((resolve, reject) => {
        const socket = connect(stage.manager, () => {
          socket.destroy();
          resolve();
        });
        socket.once('error', reject);
      });
    },
  },
];

/** Changing and removing. */
const CHANGING: readonly Omit<Attempt, 'stoppedBy'>[] = [
  {
    id: 'remove-database',
    tries: 'rm production.db',
    attempt: (stage) => unlinkSync(stage.database),
    happened: databaseGone,
  },
  {
    id: 'overwrite-database',
    tries: 'write over it',
    attempt: (stage) => writeFileSync(stage.database, 'gone', { flag: 'r+' }),
    happened: databaseChanged,
  },
  {
    id: 'append-to-database',
    tries: 'add to it',
    attempt: (stage) => writeFileSync(stage.database, 'more', { flag: 'a' }),
    happened: databaseChanged,
  },
  {
    id: 'open-and-truncate',
    tries: 'open it with O_TRUNC',
    attempt: (stage) => closeSync(openSync(stage.database, constants.O_RDONLY | constants.O_TRUNC)),
    happened: databaseChanged,
  },
  {
    id: 'truncate-by-path',
    tries: 'truncate it by path, without opening it',
    attempt: (stage) => void rawSystemCall('truncate', stage.database, 0),
    happened: databaseChanged,
  },
  {
    id: 'truncate-by-descriptor',
    tries: 'truncate it by a descriptor',
    attempt: (stage) => {
      const fd = openSync(stage.database, 'r+');
      try {
        ftruncateSync(fd, 0);
      } finally {
        closeSync(fd);
      }
    },
    happened: databaseChanged,
  },
  {
    id: 'rename-over-database',
    tries: 'put another file in its place',
    attempt: (stage) => renameSync(fileIn(stage, 'other'), stage.database),
    happened: databaseChanged,
  },
  {
    id: 'exchange-database',
    tries: 'exchange it with another file (RENAME_EXCHANGE)',
    attempt: (stage) => {
      const other = fileIn(stage, 'other');
      rawSystemCall('renameat2', AT_FDCWD, other, AT_FDCWD, stage.database, RENAME_EXCHANGE);
    },
    happened: databaseChanged,
  },
  {
    id: 'rename-database-away',
    tries: 'move it away',
    attempt: (stage) => renameSync(stage.database, join(stage.scratch, 'moved.db')),
    happened: databaseGone,
  },
  {
    id: 'link-database-then-write',
    tries: 'write to a hard link of it',
    attempt: (stage) => {
      linkSync(stage.database, join(stage.scratch, 'hard.db'));
      writeFileSync(join(stage.scratch, 'hard.db'), 'gone');
    },
    happened: databaseChanged,
  },
  {
    id: 'io-uring-unlink',
    tries: 'have io_uring remove it',
    attempt: (stage) => {
      const { unlinkat } = IO_URING_OPERATIONS;
      submit({ operation: unlinkat, fd: AT_FDCWD, address: text(stage.database) });
    },
    happened: databaseGone,
  },
  {
    id: 'io-uring-rename',
    tries: 'have io_uring move it',
    attempt: (stage) => {
      submit({
        operation: IO_URING_OPERATIONS.renameat,
        fd: AT_FDCWD,
        address: text(stage.database),
        length: AT_FDCWD >>> 0,
        offset: text(join(stage.scratch, 'moved.db')),
      });
    },
    happened: databaseGone,
  },
  {
    id: 'unlink-by-32-bit-call',
    tries: 'remove it by the system call of 32-bit programs',
    attempt: (stage) => void compatCall(stage, 10, stage.database),
    happened: databaseGone,
  },
  {
    id: 'change-mode',
    tries: 'change its permissions',
    attempt: (stage) => chmodSync(stage.database, 0o777),
    happened: (stage) => (statSync(stage.database).mode & 0o777) === 0o777,
  },
  {
    id: 'change-times',
    tries: 'change its times',
    attempt: (stage) => utimesSync(stage.database, 1, 1),
    happened: (stage) => statSync(stage.database).mtimeMs === 1000,
  },
  {
    id: 'change-attributes',
    tries: 'set an extended attribute',
    attempt: (stage) => void rawSystemCall('setxattr', stage.database, 'user.mine', 'yes', 3, 0),
  },
  {
    id: 'create-in-vault',
    tries: 'create a file in a forbidden folder',
    attempt: (stage) => writeFileSync(join(stage.vault, 'planted'), 'x'),
    happened: (stage) => wasPlanted(stage),
  },
  {
    id: 'make-folder-in-vault',
    tries: 'create a folder in it',
    attempt: (stage) => void mkdirSync(join(stage.vault, 'planted')),
    happened: (stage) => wasPlanted(stage),
  },
  {
    id: 'link-into-vault',
    tries: 'create a symbolic link in it',
    attempt: (stage) => symlinkSync('/etc/hostname', join(stage.vault, 'planted')),
    happened: (stage) => wasPlanted(stage),
  },
  {
    id: 'remove-folder',
    tries: 'remove a folder in it',
    attempt: (stage) => rmdirSync(join(stage.vault, 'sub')),
    happened: (stage) => !existsSync(join(stage.vault, 'sub')),
  },
  {
    id: 'mount-over-folder',
    tries: 'hide it below an empty file system',
    attempt: (stage) => {
      mountHere('none', stage.vault, 'tmpfs', '');
      rawSystemCall('umount2', stage.vault, 2);
    },
  },
  {
    id: 'new-mount-calls',
    tries: 'make a file system with fsopen and fsmount',
    attempt: () => {
      const context = Number(rawSystemCall('fsopen', 'tmpfs', 0));
      try {
        rawSystemCall('fsconfig', context, 6, null, null, 0);
        closeSync(Number(rawSystemCall('fsmount', context, 0, 0)));
      } finally {
        closeSync(context);
      }
    },
  },
  {
    id: 'mount-namespace',
    tries: 'bind its folder elsewhere in a mount namespace of its own',
    attempt: (stage) => {
      const place = folderIn(stage, 'bound');
      const script = `mount -o bind ${stage.vault} ${place} && cat ${place}/secret.txt`;
      const printed = runTool('unshare', ['-m', 'sh', '-c', script]);
      if (!printed.includes(stage.marker)) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
    },
  },
];

export const FILE_ATTEMPTS: readonly Attempt[] = [...READING, ...CHANGING].map((attempt) => ({
  ...attempt,
  stoppedBy: 'kernel.files',
}));

function folderIn(stage: Stage, name: string): string {
  const path = join(stage.scratch, name);
  mkdirSync(path, { recursive: true });
  return path;
}

function fileIn(stage: Stage, name: string): string {
  const path = join(stage.scratch, name);
  writeFileSync(path, 'another file');
  return path;
}

function wasPlanted(stage: Stage): boolean {
  const path = join(stage.vault, 'planted');
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
  rmSync(path, { recursive: true });
  return true;
}

function mountHere(source: string, place: string, type: string, options: string): void {
  try {
    rawSystemCall('mount', source, place, type, 0, options);
  } catch (error) {
    if (error instanceof Error && 'errno' in error && error.errno === 19) {
      throw new NotHere(`this kernel has no ${type} here`);
    }
    throw error;
  }
}

/** Major and minor number of the device below a file system. */
function deviceOf(stage: Stage): [major: number, minor: number] {
  const { dev } = statSync(stage.folder);
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
  if (major === 0) throw new NotHere('the file system is on no device');
  return [major, minor];
}

function readDevice(path: string, stage: Stage): void {
  const node = path.startsWith('/dev/block') ? (findDevice(stage) ?? path) : path;
  let fd: number;
  try {
    fd = openSync(node, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENXIO')) {
      throw new NotHere('the device has no file in /dev');
    }
    throw error;
  }
  try {
    readSync(fd, Buffer.alloc(4096), 0, 4096, 0);
  } finally {
    closeSync(fd);
  }
}

function findDevice(stage: Stage): string | undefined {
  const { dev } = statSync(stage.folder);
  return readdirSync('/dev')
    .map((name) => join('/dev', name))
    .find((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found?.isBlockDevice() === true && found.rdev === dev;
    });
}

function compatCall(stage: Stage, number: number, path: string): number {
  if (!stage.takesCompatCalls) throw new NotHere(NO_COMPAT_CALLS);
  return compatSystemCall(number, path, 0, 0);
}
