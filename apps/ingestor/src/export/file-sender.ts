import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { DeliveryError, type OutgoingEvent, type Sender } from './delivery.ts';

/** A file that would get larger is set aside first. */
export const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Appends lines to the organisation's file in the folder that the operator chose; on disk before they count. What a
 * crash left of a line is cut away, so that every line is a whole event.
 */
export class FileSender implements Sender {
  readonly #directory: string;
  readonly #organisation: string;
  readonly #mostBytes: number;
  #file: FileHandle | undefined;
  #size = 0;

  /** @param organisation what the file is called */
  constructor(directory: string, organisation: string, mostBytes: number = MOST_BYTES) {
    this.#directory = directory;
    this.#organisation = organisation;
    this.#mostBytes = mostBytes;
  }

  async send(events: readonly OutgoingEvent[]): Promise<string> {
    const bytes = Buffer.from(events.map(({ json }) => `${json}\n`).join(''));
    try {
      this.#file ??= await this.#open();
      if (this.#size > 0 && this.#size + bytes.length > this.#mostBytes) {
        this.#file = await this.#setAside(this.#file, events[0]?.index ?? 0);
      }
      await this.#file.appendFile(bytes);
      await this.#file.sync();
      this.#size += bytes.length;
      return `${bytes.length} bytes written`;
    } catch (cause) {
      // The path is the operator's and says nothing to an administrator.
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'error';
      throw new DeliveryError(`the file cannot be written: ${code}`, { cause });
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  get #path(): string {
    return join(this.#directory, `${this.#organisation}.ndjson`);
  }

  async #open(): Promise<FileHandle> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    // Not through a link: whoever may write to the folder does not choose where else we write.
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
    const file = await open(this.#path, flags, 0o600);
    this.#size = await withoutBrokenLine(file);
    await this.#syncDirectory();
    return file;
  }

  /** Under a name that says which entry the next file begins with. */
  async #setAside(file: FileHandle, nextIndex: number): Promise<FileHandle> {
    await file.close();
    const name = `${this.#organisation}.before-${String(nextIndex).padStart(16, '0')}`;
    for (let copy = 1; ; copy += 1) {
      // Who was rewound comes by the same place again; what is there already stays.
      const target = join(this.#directory, copy === 1 ? `${name}.ndjson` : `${name}.${copy}.ndjson`);
      if (await linked(this.#path, target)) break;
    }
    await unlink(this.#path);
    return this.#open();
  }

  async #syncDirectory(): Promise<void> {
    await using directory = await open(this.#directory, constants.O_RDONLY);
    await directory.sync();
  }
}

/** @returns false when there is something of that name */
async function linked(path: string, target: string): Promise<boolean> {
  try {
    await link(path, target);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

const CHUNK = 64 * 1024;

/** @returns the size, after what is behind the last end of line was cut away */
async function withoutBrokenLine(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  let end = size;
  while (end > 0) {
    const start = Math.max(0, end - CHUNK);
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    const at = buffer.lastIndexOf(0x0a);
    if (at !== -1) {
      end = start + at + 1;
      break;
    }
    end = start;
  }
  if (end < size) await file.truncate(end);
  return end;
}
