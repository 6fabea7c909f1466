import { randomBytes } from 'node:crypto';
import {
  ControlMessage,
  LONG_POLL_IDLE_MS,
  LONG_POLL_MS,
  MAX_FRAME_BYTES,
  RaypherError,
} from '@raypher/shared';
import { type Line, type LineOwner, lastWords } from './line.ts';
import type { Peer } from './link-listener.ts';
import { decode } from './wire.ts';

/** More than this waiting for the device is more than it should have to take at once. */
const HIGH_WATER_BYTES = 64 * 1024;
const HIGH_WATER_FRAMES = 64;
/** Nothing may wait beyond this; last words fit always. Bytes. */
const MOST_BYTES = 2 * MAX_FRAME_BYTES;
/** Requests of one session in a second; an agent asks a few times. */
const MAX_REQUESTS = 1_000;
/** Requests with messages that may wait to be read: one, and its repetition. */
const MOST_UNREAD = 2;
/** For the last words of a session to be fetched. Milliseconds. */
const GOODBYE_MS = 5_000;

type Deliver = (frames: readonly Buffer[]) => void;

interface Unread {
  resolve(): void;
  reject(error: RaypherError): void;
}

/** A session of plain requests: both directions are numbered, so that one that was lost or came twice does not matter. */
export class LongPollLine implements Line {
  readonly transport = 'long-poll';
  /** 256 random bits: to know it is to have been told. */
  readonly id = randomBytes(32).toString('base64url');
  private owner: LineOwner | undefined;
  private readonly closing: (() => void)[] = [];
  /** Not known to have arrived, in order. */
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  /** Number of the last message that the device has taken. */
  private taken = 0;
  /** Number of the last message that the device has sent us; Hello is 1. */
  private received = 0;
  private wasFull = false;
  private poll: { deliver: Deliver; timer: NodeJS.Timeout } | undefined;
  private flushing: NodeJS.Immediate | undefined;
  private isPaused = false;
  /** Requests that wait to be read, oldest first: what is in them is held in memory. */
  private readonly unread: Unread[] = [];
  private askedAt = performance.now();
  /** Since the last tick. */
  private requests = 0;
  private endedAt: number | undefined;
  private closed = false;

  constructor(private readonly proven: Peer) {}

  get connection(): string {
    return this.id;
  }

  get isFull(): boolean {
    return this.waitingBytes > HIGH_WATER_BYTES || this.waiting.length > HIGH_WATER_FRAMES;
  }

  peer(): Peer | undefined {
    return this.closed ? undefined : this.proven;
  }

  /** Whether this is the certificate that the session was opened with. */
  belongsTo(fingerprint: Buffer): boolean {
    const { certificate } = this.proven;
    return certificate?.fault === undefined && certificate?.fingerprint.equals(fingerprint) === true;
  }

  listen(owner: LineOwner): void {
    this.owner = owner;
  }

  onClosed(closed: () => void): void {
    this.closing.push(closed);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    for (const { resolve } of this.unread.splice(0)) resolve();
  }

  write(frame: Buffer): void {
    if (this.closed) return;
    if (this.waitingBytes + frame.length > MOST_BYTES) {
      this.hangUp();
      return;
    }
    this.push(frame);
  }

  finish(): void {
    this.hangUp();
  }

  refuse(error: RaypherError): void {
    const value = { code: error.code, details: lastWords(error) };
    this.push(Buffer.from(ControlMessage.encode({ body: { $case: 'refusal', value } }).finish()));
    this.endedAt = performance.now();
    this.resume();
  }

  hangUp(): void {
    if (this.closed) return;
    this.closed = true;
    this.resume();
    this.answer([]);
    this.owner?.left(false);
    for (const closed of this.closing) closed();
  }

  /**
   * Takes messages of the device; those that were taken before are passed over.
   *
   * @param seq number of the first one
   * @throws RaypherError `link/protocol` when messages are missing before it, `link/overloaded` when later requests
   *   came while it waited
   */
  async take(seq: number, frames: readonly Buffer[]): Promise<void> {
    this.count();
    await this.readable();
    if (seq > this.received + 1) {
      throw new RaypherError('link/protocol', 'Messages are missing before these.', {
        details: { expected: this.received + 1, got: seq },
      });
    }
    for (const [index, frame] of frames.entries()) {
      // Looked at anew each time: the same request may be here twice, and both wait below.
      if (seq + index <= this.received) continue;
      this.received += 1;
      this.owner?.received(decode(frame));
      // The first one is Hello, and nothing more is read until it is answered.
      await this.readable();
    }
  }

  /**
   * What the device has not taken yet, as soon as there is any, or nothing after {@link LONG_POLL_MS}. The newest
   * request is the one that counts; an older one gets nothing.
   *
   * @param after number of the last message that the device has
   * @throws RaypherError `link/protocol` for a number that it cannot have
   */
  receive(after: number, deliver: Deliver): void {
    this.count();
    const count = after - this.taken;
    if (count < 0 || count > this.waiting.length) {
      throw new RaypherError('link/protocol', 'The device acknowledges what it cannot have.', {
        details: { from: this.taken, to: this.taken + this.waiting.length, got: after },
      });
    }
    this.answer([]);
    for (const frame of this.waiting.splice(0, count)) this.waitingBytes -= frame.length;
    this.taken = after;
    this.poll = { deliver, timer: setTimeout(() => this.answer([]), LONG_POLL_MS) };
    if (this.wasFull && !this.isFull) {
      this.wasFull = false;
      this.owner?.drained();
    }
    if (this.waiting.length > 0) this.answer(this.waiting);
    else if (this.endedAt !== undefined) this.hangUp();
  }

  /** The request that waits has lost its connection: it cannot be answered any more. */
  forget(deliver: Deliver): void {
    if (this.poll?.deliver !== deliver) return;
    clearTimeout(this.poll.timer);
    this.poll = undefined;
    this.askedAt = performance.now();
  }

  /** Once a second: ends a session that nobody asks for messages any more. */
  tick(now: number): void {
    this.requests = 0;
    if (this.endedAt !== undefined && now - this.endedAt > GOODBYE_MS) this.hangUp();
    else if (this.poll === undefined && now - this.askedAt > LONG_POLL_IDLE_MS) this.hangUp();
  }

  private async readable(): Promise<void> {
    while (this.isPaused) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.unread.push({ resolve, reject });
      if (this.unread.length > MOST_UNREAD) {
        this.unread.shift()?.reject(new RaypherError('link/overloaded', 'Later requests came meanwhile.'));
      }
      await promise;
    }
  }

  private count(): void {
    this.askedAt = performance.now();
    this.requests += 1;
    if (this.requests <= MAX_REQUESTS) return;
    this.hangUp();
    throw new RaypherError('link/protocol', 'The device asks more often than any agent would.');
  }

  private push(frame: Buffer): void {
    this.waiting.push(frame);
    this.waitingBytes += frame.length;
    this.wasFull ||= this.isFull;
    // What is said in one go travels in one answer.
    this.flushing ??= setImmediate(() => {
      this.flushing = undefined;
      if (this.waiting.length > 0) this.answer(this.waiting);
    });
  }

  private answer(frames: readonly Buffer[]): void {
    const { poll } = this;
    if (poll === undefined) return;
    this.poll = undefined;
    clearTimeout(poll.timer);
    this.askedAt = performance.now();
    poll.deliver([...frames]);
  }
}
