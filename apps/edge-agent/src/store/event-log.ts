import type { DatabaseSync } from 'node:sqlite';
import { type ChainHead, EMPTY_CHAIN } from '@raypher/ledger';
import { inTransaction } from './database.ts';
import { type EntryCipher, isSealed, type SealedKind } from './entry-cipher.ts';

export interface StoredEvent {
  seq: number;
  entry: Uint8Array;
  hash: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** The part that the entry commits to, until it is erased. */
  private?: Uint8Array;
}

/** Rows that are encrypted in one transaction, of a store that had them in clear. */
const SEAL_AT_ONCE = 1_000;

/** The ledger's rows, encrypted on the disk. Entries are appended, read and pruned; never changed. */
export class EventLog {
  readonly #db: DatabaseSync;
  readonly #cipher: EntryCipher | undefined;
  readonly #insert;
  readonly #insertPrivate;
  readonly #setHead;
  readonly #range;
  /** Resolves when what was appended is on the disk. */
  readonly flushed: () => Promise<void>;

  /**
   * @param cipher without one rows are written in clear, and encrypted ones cannot be read
   * @param flushed of a connection whose transactions do not wait for the disk themselves
   */
  constructor(db: DatabaseSync, cipher?: EntryCipher, flushed: () => Promise<void> = async () => {}) {
    this.#db = db;
    this.#cipher = cipher;
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
    return this.#range.all(seq, limit).map((row) => this.#read(row));
  }

  latest(limit: number): StoredEvent[] {
    const rows = this.#db
      .prepare('SELECT seq, entry, hash, at FROM events ORDER BY seq DESC LIMIT ?')
      .all(limit);
    return rows.map((row) => this.#read(row)).reverse();
  }

  /** The newest entries since a moment (milliseconds since the epoch), in order. */
  since(at: number, limit: number): StoredEvent[] {
    const rows = this.#db
      .prepare('SELECT seq, entry, hash, at FROM events WHERE at >= ? ORDER BY seq DESC LIMIT ?')
      .all(at, limit);
    return rows.map((row) => this.#read(row)).reverse();
  }

  /** Whether the key is the one that the entries were encrypted with. One that was changed is the chain's business. */
  isReadable(): boolean {
    const ends = this.#db
      .prepare(
        'SELECT * FROM events WHERE seq IN (SELECT min(seq) FROM events UNION SELECT max(seq) FROM events)',
      )
      .all()
      .map(toStoredEvent);
    return (
      ends.length === 0 || ends.some(({ hash, entry }) => this.#open('entry', hash, entry) !== undefined)
    );
  }

  /**
   * Encrypts what a store of before has in clear, once; those entries are overwritten on the disk. Interrupted, it goes on
   * at the next start.
   *
   * @returns how many rows
   */
  sealAll(): number {
    const cipher = this.#cipher;
    if (cipher === undefined || Number(this.#row().sealed) === 1) return 0;
    const parts = [
      { kind: 'entry', table: 'events', column: 'entry', hash: 'hash' },
      { kind: 'entry', table: 'events_before_enrolment', column: 'entry', hash: 'hash' },
      {
        kind: 'private',
        table: 'event_private',
        column: 'content',
        hash: '(SELECT hash FROM events e WHERE e.seq = event_private.seq)',
      },
    ] as const;
    let count = 0;
    for (const { kind, table, column, hash } of parts) {
      const clear = this.#db.prepare(
        `SELECT ${table === 'events_before_enrolment' ? 'device' : "''"} AS device, seq, ${column} AS bytes, ${hash} AS hash
         FROM ${table} WHERE substr(${column}, 1, 1) = x'7b' LIMIT ?`,
      );
      const replace = this.#db.prepare(
        `UPDATE ${table} SET ${column} = ?1 WHERE seq = ?2${table === 'events_before_enrolment' ? ' AND device = ?3' : ''}`,
      );
      for (let rows = clear.all(SEAL_AT_ONCE); rows.length > 0; rows = clear.all(SEAL_AT_ONCE)) {
        inTransaction(this.#db, () => {
          for (const { device, seq, bytes, hash: of } of rows) {
            if (!(bytes instanceof Uint8Array) || isSealed(bytes)) continue;
            const sealed = cipher.seal(kind, String(of), bytes);
            if (table === 'events_before_enrolment') replace.run(sealed, Number(seq), String(device));
            else replace.run(sealed, Number(seq));
          }
        });
        count += rows.length;
      }
    }
    this.#db.exec('UPDATE ledger SET sealed = 1 WHERE id = 1');
    // The write-ahead log holds pages as they were.
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return count;
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
    const { seq, hash, at } = event;
    const entry = this.#cipher?.seal('entry', hash, event.entry) ?? event.entry;
    this.#insert.run(seq, entry, hash, at);
    if (event.private === undefined) return;
    this.#insertPrivate.run(seq, this.#cipher?.seal('private', hash, event.private) ?? event.private, at);
  }

  /** What cannot be decrypted comes as it is stored: it is no entry, and is found to be none wherever it is read. */
  #read(row: Record<string, unknown>): StoredEvent {
    const { private: part, ...event } = toStoredEvent(row);
    const entry = this.#open('entry', event.hash, event.entry) ?? event.entry;
    if (part === undefined) return { ...event, entry };
    return { ...event, entry, private: this.#open('private', event.hash, part) ?? part };
  }

  #open(kind: SealedKind, hash: string, stored: Uint8Array): Uint8Array | undefined {
    try {
      return this.#cipher?.open(kind, hash, stored);
    } catch {
      return undefined;
    }
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
