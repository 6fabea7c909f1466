import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RaypherError } from '@raypher/shared';
import type { ArchiveStore } from './archive-store.ts';
import { conflict, requireName } from './object-name.ts';

/** Objects are files that nobody may write; a folder cannot lock them against who owns it. */
const MODE = 0o440;

/** An archive in a folder: a disk of its own, or a share with snapshots. */
export class FolderStore implements ArchiveStore {
  readonly destination: string;
  readonly #base: string;

  /** @param base absolute; made when it is missing. */
  constructor(base: string) {
    this.#base = base;
    this.destination = `folder:${base}`;
  }

  async putOnce(name: string, bytes: Uint8Array): Promise<'stored' | 'present'> {
    const path = this.#path(name);
    return this.#guarded(async () => {
      const draft = await this.#draft(path, bytes);
      try {
        // Unlike a rename, a link replaces nothing.
        await link(draft, path);
      } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error;
        if (Buffer.compare(await readFile(path), bytes) === 0) return 'present';
        throw conflict(name, this.destination);
      } finally {
        await unlink(draft);
      }
      await syncFolder(dirname(path));
      return 'stored';
    });
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    await this.#guarded(async () => {
      const draft = await this.#draft(path, bytes);
      await rename(draft, path).catch((error: unknown) => this.#giveUp(draft, error));
      await syncFolder(dirname(path));
    });
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    const path = this.#path(name);
    return this.#guarded(async () => {
      try {
        return await readFile(path);
      } catch (error) {
        if (isCode(error, 'ENOENT')) return undefined;
        throw error;
      }
    });
  }

  async *list(prefix: string): AsyncGenerator<string> {
    const names = await this.#guarded(async () => {
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      const found = await readdir(join(this.#base, folder), { recursive: true, withFileTypes: true }).catch(
        (error: unknown) => {
          if (isCode(error, 'ENOENT')) return [];
          throw error;
        },
      );
      return found
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => join(entry.parentPath, entry.name).slice(this.#base.length + 1))
        .filter((name) => name.startsWith(prefix))
        .sort();
    });
    yield* names;
  }

  async hold(): Promise<void> {
    // Nothing here could keep the owner of the folder from deleting files.
  }

  #path(name: string): string {
    return join(this.#base, requireName(name));
  }

  /** A file beside the final one, on the disk. */
  async #draft(path: string, bytes: Uint8Array): Promise<string> {
    await mkdir(dirname(path), { recursive: true, mode: 0o750 });
    const draft = join(dirname(path), `.draft-${randomBytes(9).toString('hex')}`);
    const file = await open(draft, 'wx', MODE);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } catch (error) {
      // A full disk is tried again and again: each half that stayed would be in the way of the next.
      return await this.#giveUp(draft, error);
    } finally {
      await file.close();
    }
    return draft;
  }

  async #giveUp(draft: string, error: unknown): Promise<never> {
    await unlink(draft);
    throw error;
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof RaypherError) throw error;
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      throw new RaypherError(
        'archive/unreachable',
        `The folder of the archive did not do its work (${code}).`,
        {
          hint: 'Check that it is mounted, has room, and that the account of the ingestor may write there.',
          cause: error,
        },
      );
    }
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
