import {
  DEVICE_STATEMENT,
  type DeviceStatement,
  followLog,
  parseVerifierKey,
  type StatedLogKey,
} from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { type LogCheckpoint, RaypherError, type SignedBundle } from '@raypher/shared';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import type { KeptCheckpoint, KeptCheckpoints } from '../store/kept-checkpoints.ts';

export interface LogFollowerParts {
  store: KeptCheckpoints;
  /** Throws for a statement that the organisation's policy key did not sign. */
  verifyLogKey: (statement: SignedBundle | undefined) => StatedLogKey;
  record: (event: EventDraft) => void;
  /** Told of checkpoints that anybody could have made up, and of a store that takes no changes. */
  failed: (error: unknown) => void;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** Each statement makes the log longer, and is carried by every export: one an hour says enough. */
export const STATED_EVERY_MS = 3_600_000;

/** A checkpoint with 16 signatures has less, and no tree is higher. */
const LONGEST_NOTE = 16_384;
const MOST_HASHES = 64;

/**
 * Follows the organisation's log, as one of its many witnesses: keeps the newest checkpoint it was shown, and refuses
 * one that does not go on from that. How far it came it says in its own ledger, which the log is made of: whoever has
 * the log's key can write another log, but not one that these statements agree with (docs/ledger-format.md).
 */
export class LogFollower {
  readonly #parts: LogFollowerParts;
  readonly #now: () => number;

  constructor(parts: LogFollowerParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  get kept(): KeptCheckpoint | undefined {
    return this.#parts.store.newest();
  }

  receive(message: LogCheckpoint): void {
    try {
      this.#follow(message);
    } catch (error) {
      this.#parts.failed(error);
    }
  }

  #follow({ note, from, consistency, key: statement }: LogCheckpoint): void {
    const { store, verifyLogKey, record } = this.#parts;
    if (note.length > LONGEST_NOTE || consistency.length > MOST_HASHES) {
      throw new RaypherError('ledger/malformed', 'A checkpoint is longer than any is.');
    }
    const stated = verifyLogKey(statement);
    const { origin, vkey } = stated;
    const newest = store.newest();
    const kept = store.of(origin);
    // A log that has ended under this name does not go on under it.
    if (kept !== undefined && kept.origin !== newest?.origin) return;
    // The key that was seen first: the policy key does not make another one the log's.
    const key = kept === undefined ? stated.key : parseVerifierKey(kept.vkey);
    if (kept !== undefined && kept.vkey !== vkey) {
      this.#contradicted(kept, note, 'The log shall have another key than it had.');
      return;
    }
    const shown = { note, from: Number(from), proof: consistency };
    const followed = followLog(kept, shown, key, nodePrimitives);
    if (followed.kind === 'nothing-new') return;
    if (followed.kind === 'contradicted') {
      if (kept !== undefined) this.#contradicted(kept, note, followed.detail);
      return;
    }
    const { size, root } = followed.checkpoint;
    store.keep({ origin, vkey, size, root, note, keptAt: this.#now() });
    if (kept === undefined && newest !== undefined) record(renamed(newest, origin));
    this.#state({ origin, size, root: hex(root) }, kept?.statedAt ?? 0);
  }

  #state(statement: DeviceStatement, statedAt: number): void {
    const now = this.#now();
    if (now - statedAt < STATED_EVERY_MS) return;
    const { store, record } = this.#parts;
    store.stated(statement.origin, now);
    record({
      type: DEVICE_STATEMENT,
      severity: 'info',
      actor: EDGE_AGENT,
      action: 'follow',
      target: statement.origin,
      data: { origin: statement.origin, size: statement.size, root: statement.root },
    });
  }

  /** Once for each that is shown. */
  #contradicted(kept: KeptCheckpoint, note: string, detail: string): void {
    if (kept.contradiction?.note === note) return;
    const { store, record } = this.#parts;
    store.contradicted(kept.origin, { note, detail });
    record({
      type: 'ledger.contradicted',
      severity: 'critical',
      actor: EDGE_AGENT,
      action: 'follow',
      target: kept.origin,
      data: {
        origin: kept.origin,
        size: kept.size,
        root: hex(kept.root),
        detail,
        kept: kept.note,
        shown: note,
      },
    });
  }
}

function renamed(before: KeptCheckpoint, origin: string): EventDraft {
  return {
    type: 'ledger.renamed',
    severity: 'warning',
    actor: EDGE_AGENT,
    action: 'follow',
    target: origin,
    data: {
      origin,
      before: before.origin,
      size: before.size,
      root: hex(before.root),
      kept: before.note,
    },
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
