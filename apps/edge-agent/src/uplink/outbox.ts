import { batchStatement } from '@raypher/ledger';
import { type EventAck, EventBatch, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from '@raypher/shared';
import type { KeyProvider } from '../identity/key-provider.ts';
import { EDGE_AGENT } from '../ledger/event-draft.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { EventLog, StoredEvent } from '../store/event-log.ts';
import type { BatchTracer } from './batch-trace.ts';

/** Events of a moment travel together; short enough to look immediate. */
const LINGER_MS = 100;

/**
 * Sends the ledger over one stream: in order, signed, within the credits the control plane gives,
 * starting after what it says is durable. A new stream gets a new outbox.
 */
export class Outbox {
  readonly #log: EventLog;
  readonly #ledger: Ledger;
  readonly #keys: KeyProvider;
  readonly #send: (batch: EventBatch) => void;
  readonly #failed: (error: unknown) => void;
  readonly #traces: BatchTracer | undefined;
  readonly #stopListening: () => void;
  #credits = 0;
  /** Undefined until the control plane has said where to resume. */
  #next: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sending = false;
  #closed = false;

  constructor(parts: {
    log: EventLog;
    ledger: Ledger;
    keys: KeyProvider;
    send: (batch: EventBatch) => void;
    failed: (error: unknown) => void;
    traces?: BatchTracer | undefined;
  }) {
    this.#log = parts.log;
    this.#ledger = parts.ledger;
    this.#keys = parts.keys;
    this.#send = parts.send;
    this.#failed = parts.failed;
    this.#traces = parts.traces;
    this.#stopListening = this.#ledger.onRecorded(() => this.#soon());
  }

  credit(batches: number): void {
    this.#credits += batches;
    this.#soon();
  }

  acknowledged(ack: EventAck): void {
    const through = Number(ack.durableThroughSeq);
    if (this.#forked(through, ack.head)) this.#rejoin(through, ack.head);
    else this.#log.markDurable(through);
    this.#traces?.durable(through);
    this.#next ??= through + 1;
    this.#soon();
  }

  close(): void {
    this.#closed = true;
    this.#traces?.forget();
    clearTimeout(this.#timer);
    this.#stopListening();
  }

  /** Does the control plane hold something else than this device at that place? */
  #forked(through: number, head: Buffer): boolean {
    if (through === 0) return false;
    if (through > this.#ledger.head.seq) return true;
    const ours = this.#log.hashOf(through);
    // Entries that were pruned were durable, so they were compared before.
    return ours !== undefined && ours !== head.toString('hex');
  }

  #rejoin(through: number, head: Buffer): void {
    const expected = this.#log.restarted();
    const ours = this.#ledger.head;
    this.#ledger.continueFrom({ seq: through, hash: head.toString('hex') });
    this.#next = through + 1;
    if (expected) return;
    this.#ledger.note({
      type: 'tamper.suspected',
      severity: 'critical',
      actor: EDGE_AGENT,
      action: 'compare ledgers',
      target: 'ledger',
      data: {
        code: 'ledger/rolled-back',
        reason: 'The control plane holds entries that this device does not have.',
        deviceSeq: ours.seq,
        deviceHead: ours.hash,
        controlPlaneSeq: through,
      },
    });
  }

  #soon(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump().catch(this.#failed);
    }, LINGER_MS);
  }

  async #pump(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (!this.#closed && this.#credits > 0 && this.#next !== undefined) {
        const events = fitBatch(this.#log.from(this.#next, MAX_BATCH_ENTRIES));
        const [first] = events;
        const last = events.at(-1);
        if (first === undefined || last === undefined) break;
        const head = Buffer.from(last.hash, 'hex');
        const signature = await this.#keys.sign(
          batchStatement({
            ...this.#ledger.owner,
            firstSeq: first.seq,
            count: events.length,
            head: last.hash,
          }),
        );
        // The chain may have been joined to another place meanwhile.
        if (this.#closed || this.#log.hashOf(last.seq) !== last.hash) continue;
        this.#credits -= 1;
        this.#next = last.seq + 1;
        this.#send(
          EventBatch.fromPartial({
            firstSeq: BigInt(first.seq),
            entries: events.map((event) => Buffer.from(event.entry)),
            chainHead: head,
            signature,
            traceparent: this.#traces?.sending(last.seq, events.length)?.traceparent,
            privateParts: events.flatMap(({ seq, private: content }) =>
              content === undefined ? [] : [{ seq: BigInt(seq), content: Buffer.from(content) }],
            ),
          }),
        );
      }
    } finally {
      this.#sending = false;
    }
  }
}

/** As many as fit in one batch, at least one, without a gap. */
function fitBatch(events: readonly StoredEvent[]): StoredEvent[] {
  const fitting: StoredEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    bytes += event.entry.length + (event.private?.length ?? 0);
    const previous = fitting.at(-1);
    if (previous !== undefined && (bytes > MAX_BATCH_BYTES || event.seq !== previous.seq + 1)) break;
    fitting.push(event);
  }
  return fitting;
}
