import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** @returns why no guest can be booted on this machine; undefined when it can */
export function missingForGuests(objectFile: string): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `guests are for Linux on x64, this is ${process.platform} on ${process.arch}`;
  }
  const programs = ['qemu-system-x86_64', 'mke2fs', 'apt-get', 'dpkg-deb'];
  const absent = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined);
  if (absent.length > 0) return `${absent.join(', ')} missing`;
  if (!existsSync('/bin/busybox')) return 'busybox-static is missing';
  if (!existsSync(objectFile)) return `${objectFile} is not built (clang and libbpf-dev missing?)`;
  return undefined;
}
