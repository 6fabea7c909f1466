import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import {
  type ChainHead,
  canonicalBytes,
  commitPrivate,
  extendChain,
  GENESIS_HASH,
  type PrivatePart,
  sha256Hex,
} from '@raypher/ledger';
import { LedgerEntry, MAX_ENTRY_BYTES, MAX_PRIVATE_BYTES, RaypherError } from '@raypher/shared';
import { sqliteCode } from '../store/database.ts';
import type { EventLog, StoredEvent } from '../store/event-log.ts';
import { EDGE_AGENT, type EventDraft, fitDraft, shortenDraft, wellFormed } from './event-draft.ts';

export interface LedgerOwner {
  organisation: string;
  device: string;
}

/** Owner of what is recorded before the device belongs to an organisation. */
export const NOBODY: LedgerOwner = {
  organisation: '00000000-0000-0000-0000-000000000000',
  device: '00000000-0000-0000-0000-000000000000',
};

interface Waiting {
  draft: EventDraft;
  at: number;
  resolve: (recorded: ChainHead) => void;
  reject: (error: unknown) => void;
}

/** Entries in one commit; more wait for the next. */
const GROUP = 512;
/** SQLite: the disk or the file's page limit is full (13), or the disk failed a write (10). */
const FULL_CODES = new Set([10, 13]);
/** Nobody waits for what is noted; short enough to look immediate, and to be what a kill takes with it at most. */
const LINGER_MS = 15;
/** How many of the newest entries are checked at start. */
const CHECKED_AT_START = 2000;

/**
 * Records events: each becomes a canonical entry linked to the one before, on disk before the promise
 * resolves. Events of one turn of the event loop share one commit.
 *
 * When the disk is full, `record` rejects with `store/full`, the agent goes on enforcing, and the next
 * entry that fits is preceded by a `ledger.gap` that says how many are missing and since when.
 */
export class Ledger {
  readonly owner: LedgerOwner;
  readonly #log: EventLog;
  readonly #events = new EventEmitter<{ recorded: [LedgerEntry[]] }>();
  #head: ChainHead;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;
  /** The last group that was told of; none overtakes it. */
  #announced: Promise<void> = Promise.resolve();
  #gap: { count: number; since: number } | undefined;

  constructor(log: EventLog, owner: LedgerOwner) {
    this.#log = log;
    this.owner = owner;
    this.#head = log.head();
  }

  get head(): ChainHead {
    return this.#head;
  }

  /** Entries lost since the disk became full; 0 when all is well. */
  get missing(): number {
    return this.#gap?.count ?? 0;
  }

  /** Resolves when the entry is on the disk. */
  record(draft: EventDraft): Promise<ChainHead> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ draft, at: Date.now(), resolve, reject });
      this.#soon();
    });
  }

  /**
   * Records without waiting; what comes within {@link LINGER_MS} shares one commit. A failure is counted and reported by
   * the gap entry that follows, so that enforcement never depends on the disk.
   */
  note(draft: EventDraft): void {
    this.#waiting.push({ draft, at: Date.now(), resolve: () => {}, reject: () => {} });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, LINGER_MS);
  }

  /** Writes what is waiting, now; on the disk, and told to those who listen, once {@link Ledger.settled} resolves. */
  flush(): void {
    while (this.#waiting.length > 0) this.#flush();
  }

  /** Resolves when everything that was written is on the disk. */
  async settled(): Promise<void> {
    this.flush();
    await this.#announced;
  }

  /** Calls `listener` with entries after they are committed. Returns how to stop. */
  onRecorded(listener: (entries: LedgerEntry[]) => void): () => void {
    this.#events.on('recorded', listener);
    return () => this.#events.off('recorded', listener);
  }

  /** Checks that the newest entries are linked and that the head is theirs. */
  check(): string | undefined {
    const stored = this.#log.latest(CHECKED_AT_START);
    const first = stored[0];
    if (first === undefined) return undefined;
    const prev = prevOf(first.entry);
    if (prev === undefined) return `entry ${first.seq} cannot be read`;
    const before: ChainHead = { seq: first.seq - 1, hash: prev };
    if (first.seq === 1 && before.hash !== GENESIS_HASH) return 'the first entry names an entry before it';
    const walked = extendChain(
      before,
      stored.map((event) => event.entry),
      readEntry,
    );
    if ('fault' in walked) return `${walked.fault.kind} after entry ${before.seq}`;
    if (walked.head.hash !== this.#head.hash || walked.head.seq !== this.#head.seq) {
      return `the newest entry is ${walked.head.seq}, the recorded head is ${this.#head.seq}`;
    }
    return undefined;
  }

  /**
   * Joins a ledger that replaced a damaged one to the last entry the control plane holds, so that the
   * device's chain goes on instead of starting twice. Every entry that is here is linked anew: of a store that was
   * started afresh none was sent.
   */
  continueFrom(base: ChainHead): void {
    this.flush();
    let head = base;
    const events = this.#log.from(0, Number.MAX_SAFE_INTEGER).map((event): StoredEvent => {
      const bytes = canonicalBytes({ ...readEntry(event.entry), seq: head.seq + 1, prev: head.hash });
      head = { seq: head.seq + 1, hash: sha256Hex(bytes) };
      return { ...event, seq: head.seq, entry: bytes, hash: head.hash };
    });
    this.#log.rewrite(base, events);
    this.#head = head;
  }

  #soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    const group = this.#waiting.splice(0, GROUP);
    this.#scheduled = false;
    if (this.#waiting.length > 0) this.#soon();
    if (group.length === 0) return;

    let head = this.#head;
    const stored: StoredEvent[] = [];
    const entries: LedgerEntry[] = [];
    const done: (() => void)[] = [];
    const rejected = (error: unknown): void => {
      for (const { reject } of group) reject(error);
    };
    const link = (draft: EventDraft, at: number): void => {
      const beside = privatePart(draft);
      let entry = this.#entry(draft, at, head, beside?.commitment);
      let bytes = canonicalBytes(entry);
      if (bytes.length > MAX_ENTRY_BYTES) {
        // Those who are watched choose names and paths; making them long must not keep an event out of the record.
        entry = this.#entry(shortenDraft(draft), at, head, beside?.commitment);
        bytes = canonicalBytes(entry);
      }
      if (bytes.length > MAX_ENTRY_BYTES) {
        throw new RaypherError('request/too-large', `An event of ${bytes.length} bytes is too large.`);
      }
      head = { seq: entry.seq, hash: sha256Hex(bytes) };
      stored.push({
        seq: head.seq,
        entry: bytes,
        hash: head.hash,
        at,
        ...(beside === undefined ? {} : { private: beside.content }),
      });
      entries.push(entry);
    };

    if (this.#gap !== undefined) link(gapDraft(this.#gap), Date.now());
    for (const { draft, at, resolve, reject } of group) {
      try {
        link(draft, at);
        const recorded = head;
        done.push(() => resolve(recorded));
      } catch (error) {
        reject(error);
      }
    }
    try {
      this.#log.append(stored);
    } catch (error) {
      this.#lose(group, error);
      return;
    }
    this.#head = head;
    this.#gap = undefined;
    this.#announced = this.#announce(this.#announced, entries, done, rejected);
  }

  /** Tells of entries once they are on the disk, in their order. */
  async #announce(
    before: Promise<void>,
    entries: LedgerEntry[],
    done: readonly (() => void)[],
    rejected: (error: unknown) => void,
  ): Promise<void> {
    try {
      await this.#log.flushed();
      await before;
      for (const finish of done) finish();
    } catch (cause) {
      // They are in the chain and will be sent; that they survive a power cut is what nobody can promise.
      await before;
      rejected(
        new RaypherError('internal/unexpected', 'Events could not be flushed to the disk.', { cause }),
      );
    }
    this.#events.emit('recorded', entries);
  }

  #lose(group: readonly Waiting[], cause: unknown): void {
    const full = FULL_CODES.has(sqliteCode(cause) ?? -1);
    const error = new RaypherError(
      full ? 'store/full' : 'internal/unexpected',
      full ? 'The disk is full: events are not being recorded.' : 'Events could not be recorded.',
      { hint: 'Free some space; enforcement goes on and the gap will be recorded.', cause },
    );
    this.#gap = {
      count: (this.#gap?.count ?? 0) + group.length,
      since: this.#gap?.since ?? group[0]?.at ?? Date.now(),
    };
    for (const { reject } of group) reject(error);
  }

  #entry(draft: EventDraft, at: number, head: ChainHead, commitment: string | undefined): LedgerEntry {
    const isLeftOut = draft.private !== undefined && commitment === undefined;
    const fitted = fitDraft(draft);
    return LedgerEntry.parse({
      v: 1,
      organisation: this.owner.organisation,
      device: this.owner.device,
      seq: head.seq + 1,
      prev: head.hash,
      at: new Date(at).toISOString(),
      ...fitted,
      ...(commitment === undefined ? {} : { private: commitment }),
      ...(isLeftOut ? { data: { ...fitted.data, privateLeftOut: true } } : {}),
    });
  }
}

/** @returns undefined when there is none, or when it is too large to be kept */
function privatePart(draft: EventDraft): PrivatePart | undefined {
  if (draft.private === undefined) return undefined;
  const part = commitPrivate(wellFormed(draft.private), randomBytes(32).toString('base64url'));
  return part.content.length > MAX_PRIVATE_BYTES ? undefined : part;
}

/** Reads a stored entry back. */
export function readEntry(bytes: Uint8Array): LedgerEntry {
  return LedgerEntry.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
}

function prevOf(bytes: Uint8Array): string | undefined {
  try {
    return readEntry(bytes).prev;
  } catch {
    return undefined;
  }
}

function gapDraft(gap: { count: number; since: number }): EventDraft {
  return {
    type: 'ledger.gap',
    severity: 'warning',
    actor: EDGE_AGENT,
    action: 'lose events',
    target: 'ledger',
    data: { count: gap.count, since: new Date(gap.since).toISOString(), reason: 'store/full' },
  };
}
