import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRawAsset, isSea } from 'node:sea';

/**
 * Where the compiled programs for the kernel are: in the build, above the sources as well as above the compiled code,
 * or written out of the one executable.
 *
 * @param name such as `network.bpf.o`
 * @throws when the executable was built where they could not be
 */
export function kernelObjectFile(name: string): string {
  if (!isSea()) return new URL(`../dist/bpf/${name}`, import.meta.url).pathname;
  // A folder that nobody else can write into, since this is what the kernel is given.
  const file = join(mkdtempSync(join(tmpdir(), 'raypher-bpf-')), name);
  writeFileSync(file, Buffer.from(getRawAsset(`dist/bpf/${name}`)), { mode: 0o600 });
  return file;
}
