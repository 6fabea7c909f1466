import type { DatabaseSync } from 'node:sqlite';

export type SlotKind = 'policy' | 'freeze';

export interface StoredSlot {
  kind: SlotKind;
  revision: number;
  /** SHA-256 of the payload, lower-case hex. */
  digest: string;
  payload: Uint8Array;
  signature: Uint8Array;
  keyId: string;
}

/** The last state of each kind that was applied here, with its signature, so that it can be verified again. */
export class StateSlots {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  load(kind: SlotKind): StoredSlot | undefined {
    const row = this.#db.prepare('SELECT * FROM state_slots WHERE kind = ?').get(kind);
    if (row === undefined) return undefined;
    const { revision, digest, payload, signature, key_id: keyId } = row;
    if (!(payload instanceof Uint8Array) || !(signature instanceof Uint8Array)) return undefined;
    return {
      kind,
      revision: Number(revision),
      digest: String(digest),
      payload,
      signature,
      keyId: String(keyId),
    };
  }

  save(slot: StoredSlot): void {
    this.#db
      .prepare(
        `INSERT INTO state_slots (kind, revision, digest, payload, signature, key_id, phase)
         VALUES (?, ?, ?, ?, ?, ?, 'applied')
         ON CONFLICT (kind) DO UPDATE SET revision = excluded.revision, digest = excluded.digest,
           payload = excluded.payload, signature = excluded.signature, key_id = excluded.key_id`,
      )
      .run(slot.kind, slot.revision, slot.digest, slot.payload, slot.signature, slot.keyId);
  }

  clear(): void {
    this.#db.exec('DELETE FROM state_slots');
  }
}
