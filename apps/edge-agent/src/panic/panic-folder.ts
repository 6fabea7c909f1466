import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../identity/private-file.ts';
import { PanicIntent } from './panic-intent.ts';

export interface FolderLimits {
  snapshots: number;
  bytes: number;
}

const LIMITS: FolderLimits = { snapshots: 20, bytes: 512 * 1024 * 1024 };
const SNAPSHOT = '.snapshot';
const INTENT = '.intent.json';

/** The panics of this machine: what is under way, and the sealed snapshots. All of it 0600. */
export class PanicFolder {
  readonly #path: string;
  readonly #limits: FolderLimits;

  constructor(path: string, limits = LIMITS) {
    this.#path = path;
    this.#limits = limits;
  }

  saveIntent(intent: PanicIntent): void {
    writePrivateFile(join(this.#path, `${intent.id}${INTENT}`), JSON.stringify(intent));
  }

  removeIntent(id: string): void {
    rmSync(join(this.#path, `${id}${INTENT}`), { force: true });
  }

  /** Panics that did not come to their end, and files that should be such and are not. */
  unfinished(): { intents: PanicIntent[]; unreadable: string[] } {
    const found: { intents: PanicIntent[]; unreadable: string[] } = { intents: [], unreadable: [] };
    for (const name of this.#names(INTENT)) {
      const path = join(this.#path, name);
      try {
        found.intents.push(PanicIntent.parse(JSON.parse(readFileSync(path, 'utf8'))));
      } catch {
        // Written whole or not at all, so somebody changed it; it is taken away so that it is reported once.
        rmSync(path, { force: true });
        found.unreadable.push(name);
      }
    }
    return found;
  }

  /** @returns where it is and what it hashes to, and what made room for it */
  keep(id: string, sealed: Uint8Array): { file: string; sha256: string; bytes: number; removed: string[] } {
    const file = join(this.#path, `${id}${SNAPSHOT}`);
    writePrivateFile(file, sealed);
    const sha256 = createHash('sha256').update(sealed).digest('hex');
    return { file, sha256, bytes: sealed.length, removed: this.#makeRoom(id) };
  }

  /** Oldest first out; the newest stays whatever its size. */
  #makeRoom(newest: string): string[] {
    const files = this.#names(SNAPSHOT)
      .map((name) => {
        const { mtimeMs, size } = statSync(join(this.#path, name));
        return { id: name.slice(0, -SNAPSHOT.length), name, mtimeMs, size };
      })
      .sort((a, b) => Number(b.id === newest) - Number(a.id === newest) || b.mtimeMs - a.mtimeMs);
    const removed: string[] = [];
    let bytes = 0;
    for (const [index, { id, name, size }] of files.entries()) {
      bytes += size;
      if (index === 0 || (index < this.#limits.snapshots && bytes <= this.#limits.bytes)) continue;
      rmSync(join(this.#path, name), { force: true });
      removed.push(id);
    }
    return removed;
  }

  #names(ending: string): string[] {
    if (!existsSync(this.#path)) return [];
    return readdirSync(this.#path).filter((name) => name.endsWith(ending));
  }
}
