import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Names of the files in RAYPHER_PKI_DIR. The link role reads `server.*` and `root.crt` only. */
export const PKI_FILES = {
  /** JSON: certificate and sealed private key of the root. One file, so that the two can never disagree. */
  authority: 'authority.json',
  root: 'root.crt',
  /** Leaf, then root. */
  serverChain: 'server.crt',
  serverKey: 'server.key',
} as const;

export async function preparePkiDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
}

/** @returns undefined when there is no such file. */
export async function readPkiFile(directory: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(directory, name), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Replaces a file in one step, so that a reader sees the old or the new one, never half. */
export async function replacePkiFile(directory: string, name: string, text: string): Promise<void> {
  const draft = await writeDraft(directory, name, text);
  await rename(draft, join(directory, name));
}

/**
 * Creates a file unless it is there already.
 *
 * @returns false when another process was first.
 */
export async function createPkiFile(directory: string, name: string, text: string): Promise<boolean> {
  const draft = await writeDraft(directory, name, text);
  try {
    await link(draft, join(directory, name));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}

async function writeDraft(directory: string, name: string, text: string): Promise<string> {
  const draft = join(directory, `.${name}.${randomBytes(6).toString('hex')}`);
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
  return draft;
}
