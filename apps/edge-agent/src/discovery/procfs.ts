import { closeSync, type Dir, opendirSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';

/** Why something of a process could not be read. `gone`: the process ended. `denied`: another user's process. */
export type ProcFailure = 'gone' | 'denied' | 'unreadable';
export type ProcRead<T> = { ok: true; value: T } | { ok: false; failure: ProcFailure };

const MEBIBYTE = 1024 * 1024;

/**
 * One buffer for all reads, so that a scan of hundreds of processes allocates nothing and so that
 * what was read (environments hold secrets) is overwritten in one place, right after parsing.
 */
let scratch = Buffer.alloc(64 * 1024);

/**
 * Reads a file of /proc and parses it in place.
 *
 * @param parse gets bytes that are overwritten as soon as it returns; it must copy what it keeps and
 *   must not read another file.
 * @param limit bytes; what lies beyond is not read.
 * @param isOnePiece the kernel hands this file out whole when there is room, so that its end need not be asked for
 */
export function readProcFile<T>(
  path: string,
  parse: (bytes: Buffer) => T,
  limit = 8 * MEBIBYTE,
  isOnePiece = false,
): ProcRead<T> {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
  let length = 0;
  try {
    for (;;) {
      if (length >= limit) break;
      if (length === scratch.length) {
        const larger = Buffer.alloc(Math.min(limit, scratch.length * 2));
        scratch.copy(larger);
        scratch.fill(0);
        scratch = larger;
      }
      const read = readSync(fd, scratch, length, Math.min(limit, scratch.length) - length, null);
      length += read;
      if (read === 0 || (isOnePiece && length < scratch.length)) break;
    }
    return { ok: true, value: parse(scratch.subarray(0, length)) };
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  } finally {
    scratch.fill(0, 0, length);
    closeSync(fd);
  }
}

/** The text of a small file of /proc. */
export function readProcText(path: string): ProcRead<string> {
  return readProcFile(path, (bytes) => bytes.toString('utf8'));
}

export function readProcLink(path: string): ProcRead<string> {
  try {
    return { ok: true, value: readlinkSync(path) };
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
}

export function listProcDirectory(path: string): ProcRead<string[]> {
  try {
    return { ok: true, value: readdirSync(path) };
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
}

/** The same, one name after the other, as far as somebody asks; none when it cannot be read. */
export function* walkProcDirectory(path: string): Generator<string> {
  let directory: Dir;
  try {
    directory = opendirSync(path);
  } catch (error) {
    failureOf(error);
    return;
  }
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) yield entry.name;
  } catch (error) {
    // It ended meanwhile.
    failureOf(error);
  } finally {
    directory.closeSync();
  }
}

/** The ids of all processes (not threads), ascending. */
export function listPids(): number[] {
  requireLinux();
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0);
    if (first >= 0x30 && first <= 0x39) pids.push(Number(name));
  }
  return pids.sort((a, b) => a - b);
}

/** @throws RaypherError `platform/unsupported` anywhere but on Linux. */
export function requireLinux(): void {
  if (process.platform === 'linux') return;
  throw new RaypherError('platform/unsupported', `Processes cannot be examined on ${process.platform} yet.`, {
    hint: 'Run the agent on Linux.',
  });
}

/** Errors that Node adds `code` to; anything else is a defect of ours and passes through. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function failureOf(error: unknown): ProcFailure {
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ESRCH':
      return 'gone';
    case 'EACCES':
    case 'EPERM':
      return 'denied';
    case undefined:
      throw error;
    default:
      return 'unreadable';
  }
}
