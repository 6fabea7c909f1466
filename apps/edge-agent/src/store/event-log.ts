import type { DatabaseSync } from 'node:sqlite';
import { type ChainHead, EMPTY_CHAIN } from '@raypher/ledger';
import { inTransaction } from './database.ts';

export interface StoredEvent {
  seq: number;
  entry: Uint8Array;
  hash: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** The part that the entry commits to, until it is erased. */
  private?: Uint8Array;
}

/** The ledger's rows. Entries are appended, read and pruned; never changed. */
export class EventLog {
  readonly #db: DatabaseSync;
  readonly #insert;
  readonly #insertPrivate;
  readonly #setHead;
  readonly #range;
  /** Resolves when what was appended is on the disk. */
  readonly flushed: () => Promise<void>;

  /** @param flushed of a connection whose transactions do not wait for the disk themselves */
  constructor(db: DatabaseSync, flushed: () => Promise<void> = async () => {}) {
    this.#db = db;
    this.flushed = flushed;
    db.prepare(
      'INSERT OR IGNORE INTO ledger (id, head_seq, head_hash, durable_through) VALUES (1, 0, ?, 0)',
    ).run(EMPTY_CHAIN.hash);
    this.#insert = db.prepare('INSERT INTO events (seq, entry, hash, at) VALUES (?, ?, ?, ?)');
    this.#insertPrivate = db.prepare('INSERT INTO event_private (seq, content, at) VALUES (?, ?, ?)');
    this.#setHead = db.prepare('UPDATE ledger SET head_seq = ?, head_hash = ? WHERE id = 1');
    this.#range = db.prepare(
      `SELECT e.seq, e.entry, e.hash, e.at, p.content FROM events e LEFT JOIN event_private p ON p.seq = e.seq
       WHERE e.seq >= ? ORDER BY e.seq LIMIT ?`,
    );
  }

  head(): ChainHead {
    const row = this.#row();
    return { seq: Number(row.head_seq), hash: String(row.head_hash) };
  }

  /** Everything up to this sequence number is committed at the control plane. */
  durableThrough(): number {
    return Number(this.#row().durable_through);
  }

  /** True while a ledger that replaced a damaged one has not been joined to the control plane's record. */
  restarted(): boolean {
    return Number(this.#row().restarted) === 1;
  }

  setRestarted(restarted: boolean): void {
    this.#db.prepare('UPDATE ledger SET restarted = ? WHERE id = 1').run(restarted ? 1 : 0);
  }

  /** Appends in one transaction; on the disk once {@link EventLog.flushed} resolves. */
  append(events: readonly StoredEvent[]): void {
    const last = events.at(-1);
    if (last === undefined) return;
    inTransaction(this.#db, () => {
      for (const event of events) this.#add(event);
      this.#setHead.run(last.seq, last.hash);
    });
  }

  /** Entries from `seq` on, in order, with their private parts. */
  from(seq: number, limit: number): StoredEvent[] {
    return this.#range.all(seq, limit).map(toStoredEvent);
  }

  latest(limit: number): StoredEvent[] {
    const rows = this.#db
      .prepare('SELECT seq, entry, hash, at FROM events ORDER BY seq DESC LIMIT ?')
      .all(limit);
    return rows.map(toStoredEvent).reverse();
  }

  /** The newest entries since a moment (milliseconds since the epoch), in order. */
  since(at: number, limit: number): StoredEvent[] {
    const rows = this.#db
      .prepare('SELECT seq, entry, hash, at FROM events WHERE at >= ? ORDER BY seq DESC LIMIT ?')
      .all(at, limit);
    return rows.map(toStoredEvent).reverse();
  }

  hashOf(seq: number): string | undefined {
    const row = this.#db.prepare('SELECT hash FROM events WHERE seq = ?').get(seq);
    return row === undefined ? undefined : String(row.hash);
  }

  markDurable(through: number): void {
    this.#db
      .prepare('UPDATE ledger SET durable_through = min(max(durable_through, ?), head_seq) WHERE id = 1')
      .run(through);
  }

  /** Forgets entries that are durable and older than `before` (milliseconds since the epoch). */
  prune(before: number): number {
    return inTransaction(this.#db, () => {
      const result = this.#db
        .prepare('DELETE FROM events WHERE seq <= (SELECT durable_through FROM ledger) AND at < ?')
        .run(before);
      this.#db.exec('DELETE FROM event_private WHERE seq NOT IN (SELECT seq FROM events)');
      return Number(result.changes);
    });
  }

  /** Erases private parts that are older than `before` (milliseconds since the epoch), sent or not; entries stay. */
  erasePrivate(before: number): number {
    const erased = Number(this.#db.prepare('DELETE FROM event_private WHERE at < ?').run(before).changes);
    // The write-ahead log holds pages as they were.
    if (erased > 0) this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return erased;
  }

  /** Replaces the whole chain by `events`, which continue `base`; for a ledger that was never sent. */
  rewrite(base: ChainHead, events: readonly StoredEvent[]): void {
    const head = events.at(-1) ?? base;
    inTransaction(this.#db, () => {
      this.#db.exec('DELETE FROM events; DELETE FROM event_private');
      for (const event of events) this.#add(event);
      this.#db
        .prepare(
          'UPDATE ledger SET head_seq = ?, head_hash = ?, durable_through = ?, restarted = 0 WHERE id = 1',
        )
        .run(head.seq, head.hash, base.seq);
    });
  }

  /**
   * Moves the chain aside, kept under the name of the device that wrote it, and starts an empty one. Its private parts
   * go: nobody will ask for them.
   */
  startOver(device: string): void {
    inTransaction(this.#db, () => {
      this.#db
        .prepare('INSERT OR REPLACE INTO events_before_enrolment SELECT ?, seq, entry, hash, at FROM events')
        .run(device);
      this.#db.exec('DELETE FROM events; DELETE FROM event_private');
      this.#db
        .prepare(
          'UPDATE ledger SET head_seq = 0, head_hash = ?, durable_through = 0, restarted = 0 WHERE id = 1',
        )
        .run(EMPTY_CHAIN.hash);
    });
  }

  #add(event: StoredEvent): void {
    this.#insert.run(event.seq, event.entry, event.hash, event.at);
    if (event.private !== undefined) this.#insertPrivate.run(event.seq, event.private, event.at);
  }

  #row(): Record<string, unknown> {
    const row = this.#db.prepare('SELECT * FROM ledger WHERE id = 1').get();
    if (row === undefined) throw new TypeError('the ledger row is missing');
    return row;
  }
}

function toStoredEvent(row: Record<string, unknown>): StoredEvent {
  const { seq, entry, hash, at, content } = row;
  if (!(entry instanceof Uint8Array)) throw new TypeError('an event entry is not a blob');
  const event = { seq: Number(seq), entry, hash: String(hash), at: Number(at) };
  return content instanceof Uint8Array ? { ...event, private: content } : event;
}
