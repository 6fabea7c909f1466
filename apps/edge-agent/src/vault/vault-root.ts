import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { deriveVaultKey, ROOT_BYTES, type VaultKey } from '@raypher/vault';
import { z } from 'zod';
import type { Sealer } from '../identity/key-provider.ts';
import { writePrivateFile } from '../identity/private-file.ts';
import { type LockedMemory, lockedMemory } from '../native/locked-memory.ts';

const RootFile = z.strictObject({
  v: z.literal(1),
  /** Of the key that the root stands for: what is unsealed must be what was sealed. */
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  /** What the sealer gave, base64. */
  sealed: z.base64().max(16_384),
  pcrs: z.array(z.int().min(0).max(23)).max(24),
});
type RootFile = z.infer<typeof RootFile>;

/** The 32 bytes that open a vault: on disk only sealed, in memory only in pages of their own. */
export class VaultRoot {
  /** Derived once: a request waits for the opening of a value, and not for this as well. */
  readonly key: VaultKey;
  readonly pcrs: readonly number[];
  readonly #memory: LockedMemory;

  private constructor(memory: LockedMemory, key: VaultKey, pcrs: readonly number[]) {
    this.#memory = memory;
    this.key = key;
    this.pcrs = pcrs;
  }

  get publicKey(): Uint8Array {
    return this.key.publicKey;
  }

  get keyId(): string {
    return this.key.keyId;
  }

  /** Why the root may leave memory unsealed; undefined when the kernel keeps it there. */
  get weakness(): string | undefined {
    return this.#memory.weakness;
  }

  /**
   * Opens the root in a file, or makes one.
   *
   * @param pcrs for a new one
   * @throws RaypherError `vault/sealed-elsewhere`, `vault/damaged`, `tpm/…`
   */
  static async open(path: string, sealer: Sealer, pcrs: readonly number[]): Promise<VaultRoot> {
    if (!existsSync(path)) return VaultRoot.#create(path, sealer, pcrs);
    const file = readRootFile(path);
    const root = sealer.unseal(Buffer.from(file.sealed, 'base64'));
    try {
      if (root.length !== ROOT_BYTES) throw damaged(path);
      const opened = await VaultRoot.#hold(root, file.pcrs);
      if (opened.keyId !== file.keyId) throw damaged(path);
      return opened;
    } finally {
      root.fill(0);
    }
  }

  static async #create(path: string, sealer: Sealer, pcrs: readonly number[]): Promise<VaultRoot> {
    if (pcrs.length > 0 && sealer.bound !== 'tpm') {
      throw new RaypherError(
        'tpm/absent',
        'Only a vault in a TPM can be bound to PCRs; this one would be in a file.',
        {
          hint: 'Take `pcrs` out of `[vault]` in the configuration.',
        },
      );
    }
    const root = randomBytes(ROOT_BYTES);
    try {
      const created = await VaultRoot.#hold(root, pcrs);
      created.#write(path, sealer);
      return created;
    } finally {
      root.fill(0);
    }
  }

  static async #hold(root: Buffer, pcrs: readonly number[]): Promise<VaultRoot> {
    const memory = lockedMemory(ROOT_BYTES);
    root.copy(memory.bytes);
    return new VaultRoot(memory, await deriveVaultKey(memory.bytes), pcrs);
  }

  /** The same root, sealed to other PCRs. The old seal is gone from the file afterwards. */
  rebind(path: string, sealer: Sealer, pcrs: readonly number[]): VaultRoot {
    const bound = new VaultRoot(this.#memory, this.key, pcrs);
    bound.#write(path, sealer);
    return bound;
  }

  /** Zeroes the root. Its key goes with whoever still opens a value. */
  close(): void {
    this.#memory.bytes.fill(0);
  }

  #write(path: string, sealer: Sealer): void {
    const sealed = sealer.seal(this.#memory.bytes, this.pcrs).toString('base64');
    const file: RootFile = { v: 1, keyId: this.keyId, sealed, pcrs: [...this.pcrs] };
    writePrivateFile(path, JSON.stringify(file));
  }
}

/** Moves a root out of the way; whoever moves it back has the vault again. @returns where it went */
export function setRootAside(path: string, now = new Date()): string | undefined {
  if (!existsSync(path)) return undefined;
  const target = `${path}.set-aside-${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  renameSync(path, target);
  return target;
}

function readRootFile(path: string): RootFile {
  try {
    return RootFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw damaged(path, cause);
  }
}

function damaged(path: string, cause?: unknown): RaypherError {
  return new RaypherError('vault/damaged', `${path} does not hold this vault's root.`, {
    hint: 'Restore it from a backup, or set the vault aside with `raypher vault reset` and seal again.',
    cause,
  });
}
