import { createHash, type KeyObject, sign } from 'node:crypto';
import { batchStatement, type ChainHead, canonicalBytes, EMPTY_CHAIN } from '@raypher/ledger';
import { type EventBatch, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from '@raypher/shared';
import { type EventDraft, telemetryGap } from './event-drafts.ts';

/** Entries that wait for the control plane's commit; beyond this, telemetry is dropped and a gap is recorded. */
export const MAX_WAITING_ENTRIES = 4_096;

export interface LedgerIdentity {
  organisation: string;
  device: string;
  /** P-256, private. */
  key: KeyObject;
}

/** A ledger as it was stored: its head, and the entries that the control plane has not confirmed. */
export interface StoredLedger {
  head: ChainHead;
  waiting: Buffer[];
}

/**
 * The chain of one simulated device and its outbound queue in one: what is appended stays until it is durable
 * on the other side, and is sent again from there after a reconnect.
 */
export class DeviceLedger {
  readonly #identity: LedgerIdentity;
  #head: ChainHead;
  /** Entries after {@link #durableSeq}, in order. */
  #waiting: Buffer[];
  #durableSeq: number;
  #sentSeq: number;
  #dropped = 0;

  constructor(identity: LedgerIdentity, stored: StoredLedger = { head: EMPTY_CHAIN, waiting: [] }) {
    this.#identity = identity;
    this.#head = stored.head;
    this.#waiting = stored.waiting;
    this.#durableSeq = stored.head.seq - stored.waiting.length;
    this.#sentSeq = this.#durableSeq;
  }

  get head(): ChainHead {
    return this.#head;
  }

  /** Entries that are not durable yet. */
  get queueDepth(): number {
    return this.#waiting.length;
  }

  /** @returns the canonical bytes of what was appended; empty when the queue was full */
  append(draft: EventDraft, at: Date): Buffer[] {
    if (this.#waiting.length >= MAX_WAITING_ENTRIES) {
      this.#dropped += 1;
      return [];
    }
    const written: Buffer[] = [];
    if (this.#dropped > 0 && this.#waiting.length + 1 < MAX_WAITING_ENTRIES) {
      written.push(this.#write(telemetryGap(this.#dropped), at));
      this.#dropped = 0;
    }
    written.push(this.#write(draft, at));
    return written;
  }

  #write(draft: EventDraft, at: Date): Buffer {
    const seq = this.#head.seq + 1;
    const { organisation, device } = this.#identity;
    const bytes = Buffer.from(
      canonicalBytes({
        v: 1,
        organisation,
        device,
        seq,
        prev: this.#head.hash,
        at: at.toISOString(),
        ...draft,
      }),
    );
    this.#waiting.push(bytes);
    this.#head = { seq, hash: hashOf(bytes) };
    return bytes;
  }

  /** The next signed batch to send; undefined when everything is under way. */
  nextBatch(): EventBatch | undefined {
    const start = this.#sentSeq - this.#durableSeq;
    let bytes = 0;
    let end = start;
    for (; end < this.#waiting.length && end - start < MAX_BATCH_ENTRIES; end += 1) {
      bytes += this.#waiting[end]?.length ?? 0;
      if (bytes > MAX_BATCH_BYTES) break;
    }
    const entries = this.#waiting.slice(start, end);
    const last = entries.at(-1);
    if (last === undefined) return undefined;
    const firstSeq = this.#sentSeq + 1;
    this.#sentSeq += entries.length;
    return this.#sign(firstSeq, entries, this.#sentSeq === this.#head.seq ? this.#head.hash : hashOf(last));
  }

  #sign(firstSeq: number, entries: Buffer[], head: string): EventBatch {
    const { organisation, device, key } = this.#identity;
    const statement = batchStatement({ organisation, device, firstSeq, count: entries.length, head });
    return {
      firstSeq: BigInt(firstSeq),
      entries,
      chainHead: Buffer.from(head, 'hex'),
      signature: sign('sha256', statement, key),
      privateParts: [],
    };
  }

  /** The control plane has committed everything through `seq`. Never goes back. */
  acknowledge(seq: number): void {
    const through = Math.min(seq, this.#head.seq);
    if (through <= this.#durableSeq) return;
    this.#waiting = this.#waiting.slice(through - this.#durableSeq);
    this.#durableSeq = through;
    this.#sentSeq = Math.max(this.#sentSeq, through);
  }

  /** A new stream: whatever was under way on the old one is sent again. */
  rewind(): void {
    this.#sentSeq = this.#durableSeq;
  }
}

/** Node's hash is several times faster here than the portable one; the result is the same (tested). */
function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
