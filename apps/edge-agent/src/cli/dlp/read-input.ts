import { closeSync, openSync, readSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { cannotRead } from '../../file-fault.ts';

const STDIN = 0;
/** As much as the proxy holds of a request unless its configuration says otherwise. */
export const MOST_BYTES = 32 * 1024 * 1024;
const CHUNK = 64 * 1024;

/**
 * Reads a file, or what is piped in for `-`.
 *
 * @throws RaypherError `request/not-found`, `process/permission`, `request/too-large`
 */
export function readInput(file: string): Buffer {
  let fd: number | undefined;
  try {
    fd = file === '-' ? STDIN : openSync(file, 'r');
    return readAll(fd, file);
  } catch (cause) {
    if (cause instanceof RaypherError) throw cause;
    throw cannotRead(file, cause);
  } finally {
    if (fd !== undefined && fd !== STDIN) closeSync(fd);
  }
}

function readAll(fd: number, file: string): Buffer {
  const chunks: Buffer[] = [];
  for (let size = 0; ; ) {
    const chunk = Buffer.alloc(CHUNK);
    const read = readSync(fd, chunk, 0, CHUNK, null);
    if (read === 0) return Buffer.concat(chunks);
    size += read;
    if (size > MOST_BYTES) {
      throw new RaypherError('request/too-large', `${file} has more than ${MOST_BYTES} bytes.`);
    }
    chunks.push(chunk.subarray(0, read));
  }
}
