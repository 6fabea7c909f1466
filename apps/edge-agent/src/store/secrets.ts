import type { DatabaseSync } from 'node:sqlite';
import { SecretUse } from '@raypher/shared/rest';
import { SealedSecret, type SecretBinding } from '@raypher/vault';

/** What is known of a sealed key without opening it. */
export interface StoredSecret {
  name: string;
  provider: string;
  /** Of a value that is no provider's key. */
  use: SecretUse | undefined;
  /** How often it was put into a request, since the value or its use was last replaced. */
  uses: number;
  /** Counts from 1 with each rotation. */
  version: number;
  createdAt: number;
  rotatedAt: number | undefined;
  lastUsedAt: number | undefined;
}

/** Sealed keys of this machine. Those of a vault that was set aside stay, under that vault's key id. */
export class Secrets {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  list(keyId: string): StoredSecret[] {
    return this.#db
      .prepare('SELECT * FROM secrets WHERE key_id = ? ORDER BY name')
      .all(keyId)
      .map(storedSecret);
  }

  find(keyId: string, name: string): StoredSecret | undefined {
    const row = this.#db.prepare('SELECT * FROM secrets WHERE key_id = ? AND name = ?').get(keyId, name);
    return row === undefined ? undefined : storedSecret(row);
  }

  /** @throws when what is stored is no sealed value */
  sealed(keyId: string, name: string): SealedSecret {
    const row = this.#db.prepare('SELECT sealed FROM secrets WHERE key_id = ? AND name = ?').get(keyId, name);
    return SealedSecret.parse(JSON.parse(String(row?.sealed)));
  }

  add({ name, provider, use }: SecretBinding, sealed: SealedSecret, now = Date.now()): void {
    this.#db
      .prepare(
        'INSERT INTO secrets (key_id, name, provider, use, version, sealed, created_at) VALUES (?, ?, ?, ?, 1, ?, ?)',
      )
      .run(sealed.keyId, name, provider, written(use), JSON.stringify(sealed), now);
  }

  /** Another value, and whatever use it was sealed for; its uses are counted anew. */
  replace({ name, use }: SecretBinding, sealed: SealedSecret, now = Date.now()): void {
    this.#db
      .prepare(
        `UPDATE secrets SET sealed = ?, use = ?, uses = 0, version = version + 1, rotated_at = ?
         WHERE key_id = ? AND name = ?`,
      )
      .run(JSON.stringify(sealed), written(use), now, sealed.keyId, name);
  }

  /** Names of values with a use of their own, of every vault: one that cannot be opened has placeholders as well. */
  namesOfUses(): string[] {
    return this.#db
      .prepare('SELECT DISTINCT name FROM secrets WHERE use IS NOT NULL ORDER BY name')
      .all()
      .map(({ name }) => String(name));
  }

  /**
   * Counts uses before they are made, in one statement: two requests at once cannot both have the last one.
   *
   * @param limit undefined: none
   * @returns how many there are now; undefined when that would be too many, or there is no such value
   */
  countUses(
    keyId: string,
    { name, add, limit }: { name: string; add: number; limit: number | undefined },
    now: number,
  ): number | undefined {
    const row = this.#db
      .prepare(
        `UPDATE secrets SET uses = uses + ?1, last_used_at = ?2
         WHERE key_id = ?3 AND name = ?4 AND (?5 IS NULL OR uses + ?1 <= ?5) RETURNING uses`,
      )
      .get(add, now, keyId, name, limit ?? null);
    return row === undefined ? undefined : Number(row.uses);
  }

  used(keyId: string, name: string, now: number): void {
    this.#db
      .prepare('UPDATE secrets SET last_used_at = ? WHERE key_id = ? AND name = ?')
      .run(now, keyId, name);
  }

  remove(keyId: string, name: string): void {
    this.#db.prepare('DELETE FROM secrets WHERE key_id = ? AND name = ?').run(keyId, name);
  }

  /** How many belong to vaults that were set aside. */
  ofOtherVaults(keyId: string): number {
    return Number(this.#db.prepare('SELECT count(*) AS n FROM secrets WHERE key_id <> ?').get(keyId)?.n ?? 0);
  }
}

function written(use: object | undefined): string | null {
  return use === undefined ? null : JSON.stringify(use);
}

/** What is no use as this version knows them is none: the value beside it was sealed for another and does not open. */
function storedUse(json: unknown): SecretUse | undefined {
  if (json === null) return undefined;
  try {
    return SecretUse.safeParse(JSON.parse(String(json))).data;
  } catch {
    return undefined;
  }
}

function storedSecret(row: Record<string, unknown>): StoredSecret {
  const moment = (value: unknown): number | undefined => (value === null ? undefined : Number(value));
  return {
    name: String(row.name),
    provider: String(row.provider),
    use: storedUse(row.use),
    uses: Number(row.uses),
    version: Number(row.version),
    createdAt: Number(row.created_at),
    rotatedAt: moment(row.rotated_at),
    lastUsedAt: moment(row.last_used_at),
  };
}
