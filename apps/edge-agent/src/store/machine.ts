import type { DatabaseSync } from 'node:sqlite';

export interface Machine {
  organisation: string;
  device: string;
  server: string;
  /** First 16 hex digits of SHA-256 over the device key's SubjectPublicKeyInfo. */
  keyId: string;
}

/** Who this file's ledger belongs to. */
export class MachineRecord {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  load(): Machine | undefined {
    const row = this.#db.prepare('SELECT * FROM machine').get();
    if (row === undefined) return undefined;
    return {
      organisation: String(row.organisation),
      device: String(row.device),
      server: String(row.server),
      keyId: String(row.key_id),
    };
  }

  save(machine: Machine, now = Date.now()): void {
    this.#db
      .prepare(
        `INSERT INTO machine (id, organisation, device, server, key_id, since) VALUES (1, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET organisation = excluded.organisation, device = excluded.device,
           server = excluded.server, key_id = excluded.key_id, since = excluded.since`,
      )
      .run(machine.organisation, machine.device, machine.server, machine.keyId, now);
  }
}
