import type { DatabaseSync } from 'node:sqlite';
import { SealedSecret } from '@raypher/vault';

/** What is known of a sealed key without opening it. */
export interface StoredSecret {
  name: string;
  provider: string;
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

  add(name: string, provider: string, sealed: SealedSecret, now = Date.now()): void {
    this.#db
      .prepare(
        'INSERT INTO secrets (key_id, name, provider, version, sealed, created_at) VALUES (?, ?, ?, 1, ?, ?)',
      )
      .run(sealed.keyId, name, provider, JSON.stringify(sealed), now);
  }

  replace(name: string, sealed: SealedSecret, now = Date.now()): void {
    this.#db
      .prepare(
        'UPDATE secrets SET sealed = ?, version = version + 1, rotated_at = ? WHERE key_id = ? AND name = ?',
      )
      .run(JSON.stringify(sealed), now, sealed.keyId, name);
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

function storedSecret(row: Record<string, unknown>): StoredSecret {
  const moment = (value: unknown): number | undefined => (value === null ? undefined : Number(value));
  return {
    name: String(row.name),
    provider: String(row.provider),
    version: Number(row.version),
    createdAt: Number(row.created_at),
    rotatedAt: moment(row.rotated_at),
    lastUsedAt: moment(row.last_used_at),
  };
}
