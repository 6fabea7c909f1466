import { RaypherError } from '@raypher/shared';
import type { SecretUse } from '@raypher/shared/rest';
import { openSecret, type SealedSecret, type SecretBinding, sealSecret } from '@raypher/vault';
import type { Sealer } from '../identity/key-provider.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { Secrets, StoredSecret } from '../store/secrets.ts';
import { asRaypherError } from '../uplink/desired-state.ts';
import { requireSendable } from './header-value.ts';
import { secretEvent, vaultEvent, vaultUnusable } from './vault-event.ts';
import { setRootAside, VaultRoot } from './vault-root.ts';

export type Actor = EventDraft['actor'];

export interface VaultParts {
  /** Of the sealed root. */
  path: string;
  sealer: Sealer;
  secrets: Secrets;
  /** What a new root is bound to. */
  pcrs: readonly number[];
  record: (event: EventDraft) => void;
  /** Resolves once the event is on disk: what may not happen unrecorded waits for it. */
  commit: (event: EventDraft) => Promise<unknown>;
  /** The key that secrets are sealed to is another one now. */
  keyChanged?: () => void;
}

/** A vault that could not be opened is tried again this much later, so that requests do not keep the TPM busy. */
const TRY_AGAIN_MS = 10_000;
/** Each use is not worth a write to the disk. */
const NOTE_USE_EVERY_MS = 60_000;

/** The API keys that are sealed on this machine. Values go in and out encrypted, except to the proxy. */
export class Vault {
  readonly #parts: VaultParts;
  readonly #notedUse = new Map<string, number>();
  /** Uses without a limit that the store does not know of yet. */
  readonly #unwritten = new Map<string, number>();
  #namesOfUses: readonly string[] | undefined;
  #root: VaultRoot | undefined;
  #fault: { error: RaypherError; at: number } | undefined;

  private constructor(parts: VaultParts) {
    this.#parts = parts;
  }

  /** Never throws for a vault that cannot be opened: {@link fault} says why, and only `reset` works then. */
  static async open(parts: VaultParts): Promise<Vault> {
    const vault = new Vault(parts);
    await vault.#tryToOpen();
    return vault;
  }

  /** Why it cannot be used. */
  get fault(): RaypherError | undefined {
    return this.#fault?.error;
  }

  /** What secrets are sealed to; undefined while the vault cannot be opened. */
  get publicKey(): Uint8Array | undefined {
    return this.#root?.publicKey;
  }

  async describe() {
    const root = await this.#usable();
    this.#writeUses(root);
    return {
      keyId: root.keyId,
      publicKey: Buffer.from(root.publicKey).toString('base64url'),
      bound: this.#parts.sealer.bound,
      pcrs: [...root.pcrs],
      weakness: root.weakness ?? null,
      setAside: this.#parts.secrets.ofOtherVaults(root.keyId),
      secrets: this.#parts.secrets.list(root.keyId),
    };
  }

  /** Stores a sealed key under a new name. @throws RaypherError `vault/exists`, `vault/damaged`, `request/invalid` */
  async seal(binding: SecretBinding, sealed: SealedSecret, by: Actor): Promise<StoredSecret> {
    const root = await this.#verify(binding, sealed);
    const { name } = binding;
    if (this.#parts.secrets.find(root.keyId, name) !== undefined) {
      throw new RaypherError('vault/exists', `There is a sealed key ${name} already.`, {
        hint: `Replace its value with \`raypher vault rotate ${name}\`, or choose another name.`,
      });
    }
    this.#parts.secrets.add(binding, sealed);
    this.#namesOfUses = undefined;
    const stored = this.#require(root, name);
    this.#parts.record(secretEvent('vault.sealed', 'seal', stored, root.keyId, by));
    return stored;
  }

  /**
   * Replaces the value under a name.
   *
   * @param other what it may be used for from now on, when that changes as well
   * @throws RaypherError `vault/not-found`, `vault/damaged`, `request/invalid`
   */
  async rotate(name: string, sealed: SealedSecret, by: Actor, other?: SecretUse): Promise<StoredSecret> {
    const { provider, use } = this.#require(await this.#usable(), name);
    const binding = { name, provider, use: other ?? use };
    const root = await this.#verify(binding, sealed);
    // It may have been taken away meanwhile, or sealed for another provider.
    if (this.#require(root, name).provider !== provider) throw changedMeanwhile(name);
    this.#parts.secrets.replace(binding, sealed);
    this.#namesOfUses = undefined;
    this.#unwritten.delete(name);
    const stored = this.#require(root, name);
    this.#parts.record(secretEvent('vault.rotated', 'rotate', stored, root.keyId, by));
    return stored;
  }

  async revoke(name: string, by: Actor): Promise<StoredSecret> {
    const root = await this.#usable();
    const stored = this.#require(root, name);
    this.#parts.secrets.remove(root.keyId, name);
    this.#forget(name);
    this.#parts.record(secretEvent('vault.revoked', 'revoke', stored, root.keyId, by));
    return stored;
  }

  /**
   * Gives a value out, encrypted to the key of whoever asks. It is recorded, on disk, before it is given.
   *
   * @throws RaypherError `vault/not-found`, `vault/damaged`, `store/full`
   */
  async unseal(
    name: string,
    to: Uint8Array,
    by: Actor,
  ): Promise<{ provider: string; use: SecretUse | undefined; sealed: SealedSecret }> {
    const root = await this.#usable();
    const stored = this.#require(root, name);
    const value = await this.#open(root, stored);
    try {
      const { provider, use } = stored;
      const sealed = await sealSecret(to, { name, provider, use }, value);
      await this.#parts.commit(secretEvent('vault.unsealed', 'unseal', stored, root.keyId, by));
      return { provider, use, sealed };
    } finally {
      value.fill(0);
    }
  }

  /** Names that are sealed for a provider. @throws RaypherError of a vault that cannot be opened */
  async named(provider: string): Promise<string[]> {
    const root = await this.#usable();
    const stored = this.#parts.secrets.list(root.keyId);
    return stored.filter((secret) => secret.provider === provider).map(({ name }) => name);
  }

  /** A value for the proxy, which zeroes it. @throws RaypherError `vault/not-found`, `vault/damaged` */
  async take({ name, provider }: SecretBinding): Promise<Uint8Array> {
    const root = await this.#usable();
    const stored = this.#require(root, name);
    if (stored.provider !== provider) throw notFound(name);
    const value = await this.#open(root, stored);
    const now = Date.now();
    if (now - (this.#notedUse.get(name) ?? 0) >= NOTE_USE_EVERY_MS) {
      this.#notedUse.set(name, now);
      this.#parts.secrets.used(root.keyId, name, now);
    }
    return value;
  }

  /** Names of values that have a use of their own, without opening anything. Asked for each request. */
  namesOfUses(): readonly string[] {
    this.#namesOfUses ??= this.#parts.secrets.namesOfUses();
    return this.#namesOfUses;
  }

  /** What a value may be used for, as it is stored: proven only when the value opens with it. */
  async useOf(name: string): Promise<SecretUse | undefined> {
    const root = await this.#usable();
    return this.#parts.secrets.find(root.keyId, name)?.use;
  }

  /**
   * A value for one request of the proxy, which zeroes it. The use is counted before anything is sent: on the disk where
   * uses are limited, otherwise within a minute.
   *
   * @param use what the request was found to keep to
   * @throws RaypherError `vault/not-found`, `vault/damaged` when it is sealed for another use, `vault/used-up`
   */
  async takeForUse(name: string, use: SecretUse): Promise<{ value: Uint8Array; uses: number }> {
    const root = await this.#usable();
    const stored = this.#require(root, name);
    const value = await this.#open(root, { ...stored, use });
    try {
      return { value, uses: this.#countUse(root, stored, use.maxUses) };
    } catch (error) {
      value.fill(0);
      throw error;
    }
  }

  /**
   * Seals something of the agent's own that is kept outside the list of API keys.
   *
   * @throws RaypherError of a vault that cannot be opened
   */
  async protect(binding: SecretBinding, value: Uint8Array): Promise<SealedSecret> {
    return sealSecret((await this.#usable()).publicKey, binding, value);
  }

  /**
   * Opens what {@link protect} sealed; the caller overwrites it.
   *
   * @throws RaypherError `vault/sealed-elsewhere` after a reset, `vault/damaged`, of a vault that cannot be opened
   */
  async expose(binding: SecretBinding, sealed: SealedSecret): Promise<Uint8Array> {
    const root = await this.#usable();
    if (sealed.keyId !== root.keyId) {
      throw new RaypherError('vault/sealed-elsewhere', 'It is sealed to another vault key than this one.', {
        details: { sealedTo: sealed.keyId, here: root.keyId },
      });
    }
    return this.#decrypt(root, binding, sealed);
  }

  /** Binds the root to the values that these PCRs have now. */
  async rebind(pcrs: readonly number[], by: Actor): Promise<void> {
    const root = await this.#usable();
    const { sealer, path } = this.#parts;
    if (pcrs.length > 0 && sealer.bound !== 'tpm') {
      throw new RaypherError(
        'tpm/absent',
        'Only a vault in a TPM can be bound to PCRs; this one is in a file.',
      );
    }
    this.#root = root.rebind(path, sealer, pcrs);
    this.#parts.record(
      vaultEvent('vault.rotated', 'rebind vault', root.keyId, by, { pcrs: pcrs.map(String) }),
    );
  }

  /** Sets the vault aside with everything in it and begins an empty one. */
  async reset(by: Actor): Promise<{ keyId: string; setAside: string | undefined }> {
    const before = this.#root?.keyId ?? 'unknown';
    const setAside = setRootAside(this.#parts.path);
    this.#root?.close();
    this.#root = undefined;
    this.#fault = undefined;
    this.#notedUse.clear();
    this.#unwritten.clear();
    this.#namesOfUses = undefined;
    this.#parts.record(
      vaultEvent('vault.revoked', 'reset vault', before, by, { setAside: setAside ?? 'nothing' }, 'warning'),
    );
    await this.#tryToOpen();
    const root = await this.#usable();
    this.#parts.keyChanged?.();
    return { keyId: root.keyId, setAside };
  }

  close(): void {
    try {
      if (this.#root !== undefined) this.#writeUses(this.#root);
    } catch {
      // Counts without a limit are for people to look at; a store that takes no more must not keep the root in memory.
    }
    this.#root?.close();
    this.#root = undefined;
  }

  #countUse(root: VaultRoot, { name, uses }: StoredSecret, limit: number | undefined): number {
    const now = Date.now();
    const { secrets } = this.#parts;
    if (limit !== undefined) {
      const counted = secrets.countUses(root.keyId, { name, add: 1, limit }, now);
      if (counted !== undefined) return counted;
      this.#require(root, name);
      throw usedUp(name, limit);
    }
    const waiting = (this.#unwritten.get(name) ?? 0) + 1;
    this.#unwritten.set(name, waiting);
    if (now - (this.#notedUse.get(name) ?? 0) >= NOTE_USE_EVERY_MS) {
      this.#notedUse.set(name, now);
      this.#writeUses(root);
    }
    return uses + waiting;
  }

  #writeUses(root: VaultRoot): void {
    for (const [name, add] of this.#unwritten) {
      this.#parts.secrets.countUses(root.keyId, { name, add, limit: undefined }, Date.now());
    }
    this.#unwritten.clear();
  }

  #forget(name: string): void {
    this.#notedUse.delete(name);
    this.#unwritten.delete(name);
    this.#namesOfUses = undefined;
  }

  async #usable(): Promise<VaultRoot> {
    if (this.#root !== undefined) return this.#root;
    if (this.#fault === undefined || Date.now() - this.#fault.at >= TRY_AGAIN_MS) await this.#tryToOpen();
    if (this.#root !== undefined) return this.#root;
    throw this.#fault?.error ?? new RaypherError('vault/damaged', 'The vault is closed.');
  }

  async #tryToOpen(): Promise<void> {
    const { path, sealer, pcrs, record } = this.#parts;
    try {
      const root = await VaultRoot.open(path, sealer, pcrs);
      // Somebody else's try was done first: the key is not to be in memory twice.
      if (this.#root !== undefined) return root.close();
      this.#root = root;
      if (this.#fault !== undefined) this.#parts.keyChanged?.();
      this.#fault = undefined;
    } catch (cause) {
      const error = asRaypherError(cause);
      if (this.#fault?.error.code !== error.code) record(vaultUnusable(error));
      this.#fault = { error, at: Date.now() };
    }
  }

  /** Opens what is about to be stored: under this name, for this provider, and fit to be sent in a header. */
  async #verify(binding: SecretBinding, sealed: SealedSecret): Promise<VaultRoot> {
    const root = await this.#usable();
    if (sealed.keyId !== root.keyId) {
      throw new RaypherError(
        'vault/sealed-elsewhere',
        'The value is sealed to another vault key than this one.',
        {
          hint: 'Seal it again: the device announces its present key.',
          details: { sealedTo: sealed.keyId, here: root.keyId },
        },
      );
    }
    const value = await this.#decrypt(root, binding, sealed);
    try {
      requireSendable(value, binding);
    } finally {
      value.fill(0);
    }
    return root;
  }

  async #open(root: VaultRoot, { name, provider, use }: StoredSecret): Promise<Uint8Array> {
    let sealed: SealedSecret;
    try {
      sealed = this.#parts.secrets.sealed(root.keyId, name);
    } catch (cause) {
      throw damaged(name, cause);
    }
    return this.#decrypt(root, { name, provider, use }, sealed);
  }

  async #decrypt(root: VaultRoot, binding: SecretBinding, sealed: SealedSecret): Promise<Uint8Array> {
    try {
      return await openSecret(root.key, binding, sealed);
    } catch (cause) {
      throw damaged(binding.name, cause);
    }
  }

  #require(root: VaultRoot, name: string): StoredSecret {
    const stored = this.#parts.secrets.find(root.keyId, name);
    if (stored === undefined) throw notFound(name);
    return stored;
  }
}

function notFound(name: string): RaypherError {
  return new RaypherError('vault/not-found', `There is no sealed key ${name}.`, {
    hint: '`raypher vault list` shows what there is.',
  });
}

function damaged(name: string, cause: unknown): RaypherError {
  return new RaypherError(
    'vault/damaged',
    `The sealed key ${name} was changed, or was sealed under another name, for another provider or for another use.`,
    { hint: `Take it away with \`raypher vault revoke ${name}\` and seal it again.`, cause },
  );
}

function usedUp(name: string, limit: number): RaypherError {
  return new RaypherError(
    'vault/used-up',
    `The sealed key ${name} was used ${limit} times, which is all it is for.`,
    {
      hint: `Whoever sealed it can allow more: \`raypher vault rotate ${name}\` counts anew.`,
    },
  );
}

function changedMeanwhile(name: string): RaypherError {
  return new RaypherError('request/conflict', `${name} was sealed for another provider meanwhile.`);
}
