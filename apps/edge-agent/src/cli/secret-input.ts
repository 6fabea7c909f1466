import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { isatty } from 'node:tty';
import { RaypherError } from '@raypher/shared';
import { MAX_VALUE_BYTES } from '@raypher/vault';

const [CTRL_C, CTRL_D, BACKSPACE, LINE_FEED, RETURN, DELETE] = [3, 4, 8, 10, 13, 127] as const;
const STDIN = 0;
const INHERITED = /^\/dev\/(?:stdin|fd\/(?<fd>\d{1,5}))$/;

/**
 * Reads a value that nobody shall see: from a file, from a pipe, or typed without an echo. It stays in buffers, which
 * the caller zeroes. One newline at its end is not part of it.
 *
 * @throws RaypherError `request/invalid` when there is none, `request/too-large`, `request/not-found`
 */
export async function readSecretInput(file: string | undefined, question: string): Promise<Buffer> {
  if (file !== undefined) return readFile(file);
  return isatty(STDIN) ? prompt(question) : readAll(STDIN);
}

function readFile(path: string): Buffer {
  try {
    // What a shell hands over as <(command) is open already, and a process that is not dumpable cannot open it again.
    const inherited = INHERITED.exec(path);
    if (inherited !== null) return readOpen(Number(inherited.groups?.fd ?? STDIN), path);
    const fd = openSync(path, 'r');
    try {
      return readOpen(fd, path);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (cause instanceof RaypherError) throw cause;
    throw new RaypherError('request/not-found', `${path} cannot be read.`, { cause });
  }
}

function readOpen(fd: number, path: string): Buffer {
  const value = readAll(fd);
  const stats = fstatSync(fd);
  if (!stats.isFile()) return value;
  const others = (stats.mode & 0o077) === 0 ? '' : ', and other accounts may read it';
  process.stderr.write(
    `raypher: ${path} still holds the key in clear${others}. Delete it; on flash storage that does not erase it.\n`,
  );
  return value;
}

function readAll(fd: number): Buffer {
  // Room for a newline, and for one byte that is too many.
  const input = Buffer.alloc(MAX_VALUE_BYTES + 3);
  let length = 0;
  while (length < input.length) {
    const read = readSync(fd, input, length, input.length - length, null);
    if (read === 0) break;
    length += read;
  }
  return trimmed(input, length);
}

function prompt(question: string): Promise<Buffer> {
  const { stdin } = process;
  const input = Buffer.alloc(MAX_VALUE_BYTES + 3);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let length = 0;
  const finish = (outcome: () => void): void => {
    stdin.off('data', take);
    stdin.setRawMode(false);
    stdin.pause();
    process.stderr.write('\n');
    outcome();
  };
  const take = (chunk: Buffer): void => {
    for (const byte of chunk) {
      if (byte === CTRL_C) {
        finish(() => reject(new RaypherError('request/invalid', 'Nothing was sealed.')));
        break;
      }
      if (byte === RETURN || byte === LINE_FEED || byte === CTRL_D || length === input.length) {
        finish(() => {
          try {
            resolve(trimmed(input, length));
          } catch (error) {
            reject(error);
          }
        });
        break;
      }
      if (byte === BACKSPACE || byte === DELETE) length = Math.max(0, length - 1);
      else input[length++] = byte;
    }
    chunk.fill(0);
  };
  stdin.setRawMode(true);
  stdin.on('data', take);
  stdin.resume();
  // Last: whatever answers the question finds the echo switched off.
  process.stderr.write(question);
  return promise;
}

function trimmed(input: Buffer, length: number): Buffer {
  let end = length;
  if (end > 0 && input[end - 1] === LINE_FEED) end -= 1;
  if (end > 0 && input[end - 1] === RETURN) end -= 1;
  if (end > 0 && end <= MAX_VALUE_BYTES) return input.subarray(0, end);
  input.fill(0);
  if (end === 0) throw new RaypherError('request/invalid', 'No value was given.');
  throw new RaypherError('request/too-large', `A sealed value has at most ${MAX_VALUE_BYTES} bytes.`);
}
