import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const REPOSITORY = join(import.meta.dirname, '..', '..', '..', '..', '..');
const BUSYBOX_COMMANDS =
  'sh mount umount cat ls rm mkdir echo sleep poweroff uname cp mv ln touch dd id ps kill ip rmdir true false head tail seq grep sysctl';
/** Where what the host gives lies inside. */
export const GUEST_FOLDER = '/guest';

export interface GuestContent {
  /** TypeScript files, each becomes one file `NAME.mjs` in `GUEST_FOLDER`. */
  readonly programs: Readonly<Record<string, string>>;
  /** Files of the host, by their place inside. */
  readonly files: Readonly<Record<string, string>>;
  /** Programs of the host that are put in the same place, with their libraries. */
  readonly tools: readonly string[];
  /** The program that is run. */
  readonly main: string;
}

/** Writes a file system with Node, the agent's sources and a shell; it mounts what a system has and runs `main`. */
export async function buildGuestImage(image: string, content: GuestContent): Promise<void> {
  const root = `${image}.root`;
  rmSync(root, { recursive: true, force: true });
  for (const folder of ['bin', 'sbin', 'proc', 'sys', 'dev', 'tmp', 'mnt', 'run', 'etc', 'root', 'guest']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  copyFileSync('/bin/busybox', join(root, 'bin', 'busybox'));
  for (const name of BUSYBOX_COMMANDS.split(' ')) symlinkSync('busybox', join(root, 'bin', name));
  copyFileSync(process.execPath, join(root, 'bin', 'node'));
  for (const tool of content.tools) copyInto(root, tool);
  const libraries = ['libbpf.so.1'].map((name) => `/usr/lib/x86_64-linux-gnu/${name}`);
  for (const library of libraries) copyInto(root, library);
  for (const file of [process.execPath, ...content.tools, ...libraries]) {
    for (const library of librariesOf(file)) copyInto(root, library);
  }
  for (const name of ['koffi', '@koromix/koffi-linux-x64']) {
    cpSync(join(REPOSITORY, 'node_modules', name), join(root, 'guest', 'node_modules', name), {
      recursive: true,
      dereference: true,
    });
  }
  for (const [place, file] of Object.entries(content.files)) {
    mkdirSync(dirname(join(root, place)), { recursive: true });
    cpSync(file, join(root, place), { recursive: true, dereference: true });
  }
  await bundle(content.programs, join(root, 'guest'));
  writeFileSync(join(root, 'init'), initScript(content.main));
  chmodSync(join(root, 'init'), 0o755);
  rmSync(image, { force: true });
  run('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', root, image, '512M']);
  rmSync(root, { recursive: true, force: true });
}

/** One file each: the guest's processor is slow, and so is reading hundreds of files there. */
async function bundle(programs: Readonly<Record<string, string>>, folder: string): Promise<void> {
  await build({
    entryPoints: Object.fromEntries(Object.entries(programs)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['koffi'],
    // All of the shared package would bring gRPC along, which takes the guest seconds to read.
    alias: {
      '@raypher/shared/errors': join(REPOSITORY, 'packages', 'shared', 'src', 'errors.ts'),
      '@raypher/shared': join(REPOSITORY, 'packages', 'shared', 'src', 'errors.ts'),
      '@raypher/policy': join(REPOSITORY, 'packages', 'policy', 'src', 'path-glob.ts'),
    },
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
}

function initScript(main: string): string {
  return `#!/bin/sh
export PATH=/bin:/sbin:/usr/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /tmp
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t securityfs security /sys/kernel/security
ip link set lo up
echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range
cd ${GUEST_FOLDER}
node ${GUEST_FOLDER}/${main}.mjs
echo "guest: the program ended with $?"
poweroff -f
`;
}

function copyInto(root: string, file: string): void {
  if (existsSync(join(root, file))) return;
  mkdirSync(dirname(join(root, file)), { recursive: true });
  copyFileSync(file, join(root, file));
}

function librariesOf(file: string): string[] {
  const { stdout } = spawnSync('ldd', [file], { encoding: 'utf8' });
  return stdout.match(/\/\S+\.so\S*/g) ?? [];
}

function run(program: string, args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${program} cannot be started`, { cause: error });
  if (status !== 0) throw new Error(`${program} failed: ${stderr.trim()}`);
}
