import type { DatabaseSync } from 'node:sqlite';

/** The newest checkpoint of a log that this device was shown, and goes by. */
export interface KeptCheckpoint {
  /** Names the log. */
  readonly origin: string;
  /** The log's key as it was when the log was seen first. */
  readonly vkey: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** As the log signed it. */
  readonly note: string;
  /** Milliseconds since the epoch. */
  readonly keptAt: number;
  /** When the device said last in its ledger how far it is; 0: never. */
  readonly statedAt: number;
  readonly contradiction: Contradiction | undefined;
}

/** A checkpoint that was shown, and not shown to go on from what is kept. */
export interface Contradiction {
  readonly note: string;
  readonly detail: string;
}

/** What this device keeps of the logs of its organisation, in `agent.db`. */
export class KeptCheckpoints {
  readonly #db: DatabaseSync;
  readonly #organisation: string;

  constructor(db: DatabaseSync, organisation: string) {
    this.#db = db;
    this.#organisation = organisation;
  }

  /** Of the log that was begun last. */
  newest(): KeptCheckpoint | undefined {
    return fromRow(
      this.#db
        .prepare('SELECT * FROM kept_checkpoints WHERE organisation = ? ORDER BY id DESC LIMIT 1')
        .get(this.#organisation),
    );
  }

  of(origin: string): KeptCheckpoint | undefined {
    return fromRow(
      this.#db
        .prepare('SELECT * FROM kept_checkpoints WHERE organisation = ? AND origin = ?')
        .get(this.#organisation, origin),
    );
  }

  /** What contradicted the one before is over: the log goes on from it. */
  keep({ origin, vkey, size, root, note, keptAt }: Omit<KeptCheckpoint, 'statedAt' | 'contradiction'>): void {
    this.#db
      .prepare(
        `INSERT INTO kept_checkpoints (organisation, origin, vkey, size, root, note, kept_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (organisation, origin) DO UPDATE SET size = excluded.size, root = excluded.root,
           note = excluded.note, kept_at = excluded.kept_at, contradiction = NULL, detail = NULL`,
      )
      .run(this.#organisation, origin, vkey, size, root, note, keptAt);
  }

  stated(origin: string, at: number): void {
    this.#db
      .prepare('UPDATE kept_checkpoints SET stated_at = ? WHERE organisation = ? AND origin = ?')
      .run(at, this.#organisation, origin);
  }

  contradicted(origin: string, { note, detail }: Contradiction): void {
    this.#db
      .prepare(
        'UPDATE kept_checkpoints SET contradiction = ?, detail = ? WHERE organisation = ? AND origin = ?',
      )
      .run(note, detail, this.#organisation, origin);
  }
}

function fromRow(row: Record<string, unknown> | undefined): KeptCheckpoint | undefined {
  if (row === undefined || !(row.root instanceof Uint8Array)) return undefined;
  return {
    origin: String(row.origin),
    vkey: String(row.vkey),
    size: Number(row.size),
    root: row.root,
    note: String(row.note),
    keptAt: Number(row.kept_at),
    statedAt: Number(row.stated_at),
    contradiction:
      row.contradiction === null
        ? undefined
        : { note: String(row.contradiction), detail: String(row.detail) },
  };
}
