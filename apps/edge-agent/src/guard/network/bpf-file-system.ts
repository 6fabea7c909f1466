import { spawnSync } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';

/** statfs(2): file systems of type bpf. */
const BPF_FS_MAGIC = 0xcafe4a11;

/**
 * Makes sure that a file system is there in which kernel programs outlive whoever loaded them. systemd mounts it;
 * where nobody did, it is mounted here and stays.
 *
 * @throws RaypherError `platform/unsupported` with the reason
 */
export function ensureBpfFileSystem(path: string): void {
  if (isBpf(path)) return;
  const { status, stderr, error } = spawnSync('mount', ['-t', 'bpf', 'bpf', path], { encoding: 'utf8' });
  if (status === 0 && isBpf(path)) return;
  throw new RaypherError(
    'platform/unsupported',
    `${path} cannot be mounted: ${error?.message ?? stderr.trim()}`,
  );
}

function isBpf(path: string): boolean {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC;
  } catch {
    makeFolder(path);
    return false;
  }
}

/** In /sys the kernel makes the folder itself, where it has such programs. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RaypherError('platform/unsupported', `This kernel has no programs (BPF): ${why}.`, { cause });
  }
}
