import type { BudgetLease, ErrorCode, LogCheckpoint, RaypherError, StateSlot } from '@raypher/shared';
import { comeBackAfter } from './come-back.ts';
import type { DeviceIdentity } from './device-directory.service.ts';
import type { Line } from './line.ts';
import { type ControlBody, encode } from './wire.ts';

export type StateKind = 'policy' | 'freeze';

/** What we know about one kind of state on one device. */
export interface SlotState {
  /** SHA-256 (hex) of what the device says it runs; empty before it ran anything. */
  applied: string;
  appliedRevision: bigint;
  /** What we sent last on this stream, and when (milliseconds, monotonic). */
  sent: string;
  sentAt: number;
  /** What the device refused last. */
  rejected: string;
}

/** How many event batches a device may have in flight. */
export const CREDIT_WINDOW = 8;

/**
 * One device's open stream: plain fields, no timers and no closures of its own, because there are
 * thousands. What cannot be sent to a slow device waits in one slot per kind, never in a queue.
 */
export class DeviceStream {
  /** Set once Hello is accepted. */
  identity: DeviceIdentity | undefined;
  bootId = '';
  sessionId = '';
  /** Among all streams of all processes, by the time of opening; 0 while it is not known. */
  order = 0;
  /** Milliseconds since the epoch. */
  readonly since = Date.now();
  /** Milliseconds, monotonic. */
  readonly openedAt = performance.now();
  lastMessageAt = performance.now();
  blockedSince: number | undefined;
  /** Batches the device may still send. */
  credits = 0;
  /** Messages other than batches since the last tick. */
  chatter = 0;
  /** Hello has come; whether it is accepted may still be looked up. */
  greeted = false;
  ended = false;
  /** Why we ended it; undefined when the device left. */
  endedWith: ErrorCode | undefined;
  /** Until when somebody watches, milliseconds since the epoch; 0 = nobody. */
  watchedUntil = 0;
  heartbeatMs = 0;
  /** Until when somebody watches its connections, milliseconds since the epoch; 0 = nobody. */
  connectionsUntil = 0;
  connectionsEveryMs = 0;
  /** Before this moment (monotonic) it is not shown the log again. */
  logShownNextAt = 0;
  /** Of which log the device keeps a checkpoint, and of how many entries, as it said last. */
  logSeen = '';
  readonly slots: Record<StateKind, SlotState> = { policy: emptySlot(), freeze: emptySlot() };
  /** Commands handed to this stream, so that a sweep does not repeat them. */
  commands: Set<string> | undefined;

  private waitingAck: { seq: bigint; head: Buffer } | undefined;
  private waitingCredits = 0;
  private waitingPace = false;
  private waitingState: { policy: StateSlot | undefined; freeze: StateSlot | undefined } | undefined;

  /** @param left is told, once, when we end the stream; the same function for every stream. */
  constructor(
    readonly line: Line,
    private readonly left: (stream: DeviceStream) => void,
  ) {}

  /** True once Hello was accepted and until the stream ends. */
  get isOpen(): boolean {
    return this.identity !== undefined && !this.ended;
  }

  /** @returns false when the device does not keep up; the caller tries again at a later sweep. */
  send(frame: Buffer): boolean {
    if (this.ended || this.line.isFull) return false;
    this.line.write(frame);
    if (this.line.isFull) this.blockedSince ??= performance.now();
    return true;
  }

  acknowledge(seq: bigint, head: Buffer, credits: number): void {
    this.waitingAck = { seq, head };
    this.waitingCredits += credits;
    this.credits += credits;
    this.flush();
  }

  /** A device that does not keep up asks again. */
  lend(lease: BudgetLease): void {
    this.write({ $case: 'budgetLease', value: lease });
  }

  /** @returns false when the device does not keep up */
  showLog(checkpoint: LogCheckpoint): boolean {
    return this.write({ $case: 'logCheckpoint', value: checkpoint });
  }

  pace(heartbeatMs: number): void {
    if (this.heartbeatMs === heartbeatMs) return;
    this.heartbeatMs = heartbeatMs;
    this.waitingPace = true;
    this.flush();
  }

  /** @param fresh whether it shall begin anew with all of them */
  watchConnections(everyMs: number, fresh = false): void {
    if (this.connectionsEveryMs === everyMs && !fresh) return;
    this.connectionsEveryMs = everyMs;
    this.waitingPace = true;
    this.flush();
  }

  /** @param frame the same state, encoded once for every stream that gets it. */
  sendState(kind: StateKind, slot: StateSlot, digest: string, frame: Buffer): void {
    const state = this.slots[kind];
    state.sent = digest;
    state.sentAt = performance.now();
    if (this.send(frame)) return;
    this.waitingState ??= { policy: undefined, freeze: undefined };
    this.waitingState[kind] = slot;
  }

  /** Sends what waited; called again when the device has caught up. */
  flush(): void {
    if (this.waitingAck !== undefined) {
      const { seq, head } = this.waitingAck;
      if (!this.write({ $case: 'eventAck', value: { durableThroughSeq: seq, head } })) return;
      this.waitingAck = undefined;
    }
    if (this.waitingCredits > 0) {
      if (!this.write({ $case: 'credit', value: { batches: this.waitingCredits } })) return;
      this.waitingCredits = 0;
    }
    if (this.waitingState !== undefined) {
      if (!this.write({ $case: 'desired', value: this.waitingState })) return;
      this.waitingState = undefined;
    }
    if (this.waitingPace) {
      const { heartbeatMs, connectionsEveryMs } = this;
      if (!this.write({ $case: 'pace', value: { heartbeatMs, connectionsEveryMs } })) return;
      this.waitingPace = false;
    }
  }

  caughtUp(): void {
    this.blockedSince = undefined;
    this.flush();
  }

  /**
   * Ends the stream and says why: a Retry message for agents of this protocol and the code as the last word of the
   * line. No retry delay means that coming back will not help.
   */
  end(error: RaypherError, retryAfterMs = comeBackAfter(error.code)): void {
    if (this.ended) return;
    this.ended = true;
    this.endedWith = error.code;
    if (retryAfterMs !== undefined) {
      this.line.write(encode({ $case: 'retry', value: { afterMs: retryAfterMs, reason: error.code } }));
    }
    this.line.refuse(error, retryAfterMs);
    this.left(this);
  }

  private write(body: ControlBody): boolean {
    return this.send(encode(body));
  }
}

function emptySlot(): SlotState {
  return { applied: '', appliedRevision: 0n, sent: '', sentAt: 0, rejected: '' };
}
