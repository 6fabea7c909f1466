import { readFileSync, statSync } from 'node:fs';

/** Names of the users in /etc/passwd, read again when the file changes. Others are shown as "uid 1234". */
export class UserNames {
  readonly #path: string;
  #mtimeMs = -1;
  #names = new Map<number, string>();

  constructor(path = '/etc/passwd') {
    this.#path = path;
  }

  /** Call once per scan, not per process. */
  refresh(): void {
    const mtimeMs = statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (mtimeMs === this.#mtimeMs) return;
    this.#mtimeMs = mtimeMs;
    this.#names = mtimeMs === 0 ? new Map() : parsePasswd(readFileSync(this.#path, 'utf8'));
  }

  nameOf(uid: number): string {
    return this.#names.get(uid) ?? `uid ${uid}`;
  }
}

/** @returns the uid of a user in /etc/passwd */
export function uidOf(name: string, path = '/etc/passwd'): number | undefined {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [found, , uid] = line.split(':');
    if (found === name && uid !== undefined && /^\d+$/.test(uid)) return Number(uid);
  }
  return undefined;
}

/** The first entry of a uid wins, as in getpwuid(3). */
export function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , uid] = line.split(':');
    if (name === undefined || uid === undefined || !/^\d+$/.test(uid)) continue;
    if (!names.has(Number(uid))) names.set(Number(uid), name);
  }
  return names;
}
