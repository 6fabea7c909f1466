import { RaypherError } from '@raypher/shared/errors';
import { equalBytes } from '../merkle/equal-bytes.ts';
import { type Checkpoint, parseCheckpoint } from '../note/checkpoint.ts';
import { isSameKey, type VerifierKey } from '../note/verifier-key.ts';
import { type SignedBy, verifyNote } from '../note/verify-note.ts';
import type { Primitives } from '../primitives/primitives.ts';
import type { FaultLog } from './fault-log.ts';
import type { LineCursor } from './line-cursor.ts';

export interface NoteKeys {
  readonly log: VerifierKey;
  readonly witnesses: readonly VerifierKey[];
}

export interface OpenedCheckpoint extends Checkpoint {
  readonly signedBy: readonly SignedBy[];
}

/**
 * Opens a checkpoint of this log: signed by its key, which is called as the log is.
 *
 * @throws RaypherError `ledger/malformed`, `ledger/signature-invalid`
 */
export function openCheckpoint(
  note: string,
  { log, witnesses }: NoteKeys,
  primitives: Primitives,
): OpenedCheckpoint {
  const { text, signedBy } = verifyNote(note, [log, ...witnesses], primitives);
  const checkpoint = parseCheckpoint(text);
  if (!signedBy.some(({ key }) => isSameKey(key, log)) || checkpoint.origin !== log.name) {
    throw new RaypherError(
      'ledger/signature-invalid',
      `The key of ${log.name} did not sign this checkpoint.`,
    );
  }
  return { ...checkpoint, signedBy };
}

/** What a checkpoint that the log does not lead to is evidence of. */
export type ExpectedRoot = Pick<Checkpoint, 'size' | 'root'> & {
  readonly code: 'root-mismatch' | 'not-consistent';
  readonly detail: string;
};

/** Holds the log, as it grows entry by entry, to all checkpoints there are of it. */
export class CheckpointRecord {
  readonly #notes: LineCursor<string>;
  readonly #keys: NoteKeys | undefined;
  readonly #primitives: Primitives;
  readonly #faults: FaultLog;
  readonly #expected: ExpectedRoot[];
  #ahead: OpenedCheckpoint | undefined;
  #last: OpenedCheckpoint | undefined;
  /** Up to here the log led to a checkpoint. */
  #matched = 0;
  count = 0;
  /** Size of the largest checkpoint that a witness signed, and that the log leads to. */
  witnessedUntil = 0;

  constructor(
    notes: LineCursor<string>,
    expected: readonly ExpectedRoot[],
    keys: NoteKeys | undefined,
    primitives: Primitives,
    faults: FaultLog,
  ) {
    this.#notes = notes;
    this.#keys = keys;
    this.#primitives = primitives;
    this.#faults = faults;
    this.#expected = [...expected].sort((left, right) => left.size - right.size);
  }

  /** The log has this size now; the root is made only when somebody wants it. */
  async reached(size: number, root: () => Uint8Array): Promise<void> {
    for (let next = await this.#next(); next !== undefined && next.size <= size; next = await this.#next()) {
      this.#ahead = undefined;
      this.#last = next;
      const matches = this.#compare(size, root, {
        ...next,
        code: 'not-consistent',
        detail: `The log does not lead to its own checkpoint of ${next.size} entries.`,
      });
      if (matches && next.signedBy.some(({ key }) => key.type === 'cosignature')) this.witnessedUntil = size;
    }
    while (this.#expected[0]?.size === size) {
      const [expected] = this.#expected.splice(0, 1);
      if (expected !== undefined) this.#compare(size, root, expected);
    }
  }

  /** At the end of the log: the last checkpoint that was kept is the newest. */
  async finish(newest: Pick<Checkpoint, 'size' | 'root'> | undefined): Promise<void> {
    for (let next = await this.#next(); next !== undefined; next = await this.#next()) {
      this.#ahead = undefined;
      this.#last = next;
      if (newest === undefined) continue;
      const detail = `There is a checkpoint of ${next.size} entries, and the log ends with ${newest.size}.`;
      this.#faults.add({ code: 'rolled-back', detail });
    }
    if (newest === undefined) return;
    if (this.#last?.size !== newest.size || !equalBytes(this.#last.root, newest.root)) {
      const detail = 'The newest checkpoint is not the last of those that were kept.';
      this.#faults.add({ code: 'truncated', detail });
    }
  }

  #compare(size: number, root: () => Uint8Array, expected: ExpectedRoot): boolean {
    if (expected.size !== size) {
      this.#faults.add({ code: 'malformed', detail: 'The checkpoints are not in the order of their sizes.' });
      return false;
    }
    if (equalBytes(root(), expected.root)) {
      this.#matched = size;
      return true;
    }
    const { code, detail } = expected;
    this.#faults.add({ code, index: this.#matched, upTo: size, detail });
    return false;
  }

  async #next(): Promise<OpenedCheckpoint | undefined> {
    while (this.#ahead === undefined) {
      const note = await this.#notes.peek();
      if (note === undefined) return undefined;
      this.#notes.skip();
      this.count += 1;
      if (this.#keys === undefined) continue;
      try {
        this.#ahead = openCheckpoint(note, this.#keys, this.#primitives);
      } catch (error) {
        if (!(error instanceof RaypherError)) throw error;
        const detail = `Checkpoint ${this.count} of those that were kept: ${error.message}`;
        this.#faults.add({ code: 'note-signature', detail });
      }
    }
    return this.#ahead;
  }
}
