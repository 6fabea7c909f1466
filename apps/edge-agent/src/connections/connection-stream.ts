import {
  LiveConnection as ConnectionRow,
  type LiveConnections as ConnectionsMessage,
  MAX_FRAME_BYTES,
} from '@raypher/shared';
import { connectionRow } from './connection-row.ts';
import type { LiveConnection, LiveConnections } from './live-connections.ts';

/** Connections of one device that are told at a time: the newest. */
export const MOST_TOLD = 500;
/** No server gets more messages than this asks for: four a second. */
const LEAST_INTERVAL_MS = 250;
/** Of rows in one message; a frame may have twice as much. What does not fit is told in the next. */
const MOST_BYTES = MAX_FRAME_BYTES / 2;
/** Whoever watches learns that the device is still there. */
const SIGN_OF_LIFE_MS = 10_000;

export interface ConnectionStreamParts {
  readonly connections: LiveConnections;
  readonly send: (message: ConnectionsMessage) => void;
  /** Whether the line takes more; what changes meanwhile is told in one message later. */
  readonly ready: () => boolean;
}

/**
 * Tells the control plane what is open, only while somebody there watches: all of it first, then what changed, the first
 * change at once and the others gathered. With nothing open, or nobody watching, it does nothing at all.
 */
export class ConnectionStream {
  readonly #parts: ConnectionStreamParts;
  /** What was told, as it was encoded. */
  readonly #told = new Map<string, Buffer>();
  /** Ended since the last message. */
  readonly #ended = new Map<string, LiveConnection>();
  #snapshot = false;
  #everyMs = 0;
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;

  constructor(parts: ConnectionStreamParts) {
    this.#parts = parts;
  }

  /** @param everyMs at most one message in so many milliseconds, a snapshot first; 0: nobody watches */
  watch(everyMs: number): void {
    if (everyMs === 0) {
      this.close();
      return;
    }
    this.#everyMs = Math.max(LEAST_INTERVAL_MS, everyMs);
    this.#snapshot = true;
    this.#stopListening ??= this.#parts.connections.listen({
      opened: () => this.#soon(),
      closed: (state) => this.#close(state),
    });
    // A large fleet is asked for less, and its answers come spread over that time.
    this.#tellIn(this.#untilAllowed() + Math.random() * (this.#everyMs - LEAST_INTERVAL_MS));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#told.clear();
    this.#ended.clear();
  }

  #close(state: LiveConnection): void {
    // Beyond that, only those are kept of which somebody has to be told that they ended.
    if (this.#ended.size < MOST_TOLD || this.#told.has(state.id)) this.#ended.set(state.id, state);
    this.#soon();
  }

  /** At once when the last message is long enough ago. */
  #soon(): void {
    // The snapshot has its time already.
    if (!this.#snapshot) this.#tellIn(this.#untilAllowed());
  }

  #untilAllowed(): number {
    return Math.max(0, this.#sentAt + this.#everyMs - performance.now());
  }

  #tellIn(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), waitMs);
    this.#timer.unref();
  }

  #tell(): void {
    this.#timer = undefined;
    if (this.#stopListening === undefined) return;
    const now = performance.now();
    if (this.#parts.ready()) {
      const message = this.#changes();
      const quiet = now - this.#sentAt >= SIGN_OF_LIFE_MS;
      if (message !== undefined || quiet) {
        this.#sentAt = now;
        this.#parts.send(message ?? { ...emptyMessage(), total: this.#parts.connections.size });
      }
    }
    // Bytes and costs change without anybody saying so.
    const isBusy = this.#parts.connections.size > 0 || this.#ended.size > 0;
    this.#tellIn(isBusy ? this.#everyMs : SIGN_OF_LIFE_MS);
  }

  #changes(): ConnectionsMessage | undefined {
    const message = emptyMessage();
    message.snapshot = this.#snapshot;
    if (this.#snapshot) {
      this.#told.clear();
      this.#snapshot = false;
    }
    const all = this.#parts.connections.list();
    const shown = all.slice(-MOST_TOLD);
    message.total = all.length;
    const isShown = new Set(shown.map(({ id }) => id));
    for (const id of this.#told.keys()) {
      if (isShown.has(id) || this.#ended.has(id)) continue;
      message.leftOut.push(id);
      this.#told.delete(id);
    }
    let bytes = 0;
    for (const state of [...this.#ended.values(), ...shown.toReversed()]) {
      const row = connectionRow(state);
      const encoded = Buffer.from(ConnectionRow.encode(row).finish());
      if (this.#told.get(state.id)?.equals(encoded) === true) continue;
      bytes += encoded.length;
      if (bytes > MOST_BYTES) break;
      this.#told.set(state.id, encoded);
      message.open.push(row);
    }
    for (const id of this.#ended.keys()) {
      message.closed.push(id);
      this.#told.delete(id);
    }
    this.#ended.clear();
    const { snapshot, open, closed, leftOut } = message;
    return snapshot || open.length > 0 || closed.length > 0 || leftOut.length > 0 ? message : undefined;
  }
}

function emptyMessage(): ConnectionsMessage {
  return { atMs: BigInt(Date.now()), snapshot: false, open: [], closed: [], leftOut: [], total: 0 };
}
