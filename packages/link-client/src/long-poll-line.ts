import { setTimeout as wait } from 'node:timers/promises';
import {
  AgentMessage,
  ControlMessage,
  joinFrames,
  LINK_SESSIONS_PATH,
  LONG_POLL_MS,
  MAX_FRAME_BYTES,
  splitFrames,
} from '@raypher/shared';
import { z } from 'zod';
import { endingOf, refusalIn, Teller } from './ending.ts';
import { type Answer, HttpConnections } from './http-connections.ts';
import type { LinkEvents, LinkLine, LinkTarget } from './line.ts';

/** More than this waiting is more than the line likes. Bytes. */
const HIGH_WATER = 256 * 1024;
/** What one request may carry besides one frame of the largest size: its length. */
const MAX_BODY_BYTES = MAX_FRAME_BYTES;
const ANSWER_WITHIN_MS = 15_000;
/** A request that got no answer is sent again for so long, with these waits between. Milliseconds. */
const INSIST_FOR_MS = 20_000;
const AGAIN_AFTER_MS = { min: 100, max: 2_000 };

/** Connections in a row that may be led to another process. */
const TIMES_ASTRAY = 6;

const Opened = z.object({ session: z.string().regex(/^[\w-]{20,100}$/) });

/** Plain requests, for networks that let nothing else through: see {@link LINK_SESSIONS_PATH}. */
export function openLongPollLine(target: LinkTarget, events: LinkEvents): LinkLine {
  return new LongPollLine(target, events);
}

class LongPollLine implements LinkLine {
  readonly #teller: Teller;
  readonly #connections: HttpConnections;
  readonly #abort = new AbortController();
  /** Written and not taken by the control plane yet, in order. */
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** The number of the first message in the queue. */
  #firstSeq = 1;
  /** The last message from the control plane that was taken. */
  #received = 0;
  #session: string | undefined;
  #sending = false;
  /** Until it is resolved, nothing more is asked for. */
  #pause: PromiseWithResolvers<void> | undefined;

  constructor(target: LinkTarget, events: LinkEvents) {
    this.#teller = new Teller(events);
    this.#connections = new HttpConnections(target, this.#abort.signal);
  }

  write(message: AgentMessage): void {
    if (this.#teller.done) return;
    const frame = AgentMessage.encode(message).finish();
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    if (this.#sending) return;
    this.#sending = true;
    const work = this.#session === undefined ? this.#open(frame) : this.#send(this.#session);
    work.catch((error: unknown) => this.#fail(error));
  }

  writable(): boolean {
    return this.#session !== undefined && this.#queuedBytes < HIGH_WATER;
  }

  pause(): void {
    this.#pause ??= Promise.withResolvers();
  }

  resume(): void {
    this.#pause?.resolve();
    this.#pause = undefined;
  }

  leave(): void {
    this.#teller.silence();
    const session = this.#session;
    if (session === undefined) {
      this.close();
      return;
    }
    const goodbye = this.#connections.ask('DELETE', pathOf(session), undefined, 1_000);
    void goodbye.catch(() => undefined).finally(() => this.close());
  }

  close(): void {
    this.#teller.silence();
    this.#hangUp();
  }

  /** The first message opens the session. A lost answer is a failure: nobody knows the session then. */
  async #open(hello: Uint8Array): Promise<void> {
    const answer = await this.#connections.ask(
      'POST',
      LINK_SESSIONS_PATH,
      Buffer.from(hello),
      ANSWER_WITHIN_MS,
    );
    const text = this.#accepted(answer).toString();
    this.#taken(1);
    const session = sessionIn(text);
    this.#session = session;
    void this.#receive(session).catch((error: unknown) => this.#fail(error));
    await this.#send(session);
  }

  /** One request at a time, so that the order is that of the numbers. */
  async #send(session: string): Promise<void> {
    while (this.#queue.length > 0 && !this.#teller.done) {
      const frames = this.#fitting();
      const path = `${pathOf(session)}/send?seq=${this.#firstSeq}`;
      // The number makes it harmless that a request arrives twice.
      await this.#insist(() => this.#connections.ask('POST', path, joinFrames(frames), ANSWER_WITHIN_MS));
      this.#taken(frames.length);
    }
    this.#sending = false;
  }

  async #receive(session: string): Promise<void> {
    while (!this.#teller.done) {
      await this.#pause?.promise;
      const body = await this.#insist(() =>
        this.#connections.ask(
          'GET',
          `${pathOf(session)}/receive?after=${this.#received}`,
          undefined,
          LONG_POLL_MS + ANSWER_WITHIN_MS,
        ),
      );
      for (const frame of splitFrames(body)) {
        this.#received += 1;
        this.#teller.message(ControlMessage.decode(frame));
      }
    }
    // The control plane has said its last word.
    this.#hangUp();
  }

  /** Asks again where there is no answer, and where a balancer has led a connection to a process without the session. */
  async #insist(ask: () => Promise<Answer>): Promise<Buffer> {
    const giveUpAt = performance.now() + INSIST_FOR_MS;
    let astray = 0;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await ask();
        if (!isElsewhere(answer) || astray === TIMES_ASTRAY) return this.#accepted(answer);
        // That connection is over: the next one may be led to where the session is.
        astray += 1;
      } catch (error) {
        if (this.#teller.done || performance.now() > giveUpAt) throw error;
      }
      const most = Math.min(AGAIN_AFTER_MS.max, AGAIN_AFTER_MS.min * 2 ** attempt);
      await wait(most * (0.5 + Math.random() / 2), undefined, { signal: this.#abort.signal });
    }
  }

  /** @throws Error, after the ending was told, when the control plane, or something in front of it, did not take the request */
  #accepted({ status, body }: Answer): Buffer {
    if (status === 200 || status === 201) return body;
    const refusal = refusalIn(body.toString('utf8', 0, 16_384));
    this.#teller.end(
      refusal === undefined
        ? endingOf(`unexpected answer ${status} to a request`)
        : // A session of another process, or one that is over, says nothing against this device: it opens a new one.
          refusal.code === 'link/session-elsewhere'
          ? { kind: 'over', reason: refusal.reason, code: '' }
          : endingOf(refusal.reason, refusal.code),
    );
    throw new Error('not accepted');
  }

  #fitting(): Uint8Array[] {
    let bytes = 0;
    let count = 0;
    for (const frame of this.#queue) {
      bytes += frame.length + 5;
      if (count > 0 && bytes > MAX_BODY_BYTES) break;
      count += 1;
    }
    return this.#queue.slice(0, count);
  }

  #taken(count: number): void {
    for (const frame of this.#queue.splice(0, count)) this.#queuedBytes -= frame.length;
    this.#firstSeq += count;
  }

  #fail(error: unknown): void {
    this.#teller.end(endingOf(error instanceof Error ? error.message : String(error)));
    this.#hangUp();
  }

  #hangUp(): void {
    this.resume();
    this.#abort.abort();
    this.#connections.close();
  }
}

/** @throws Error for what no control plane answers */
function sessionIn(text: string): string {
  try {
    return Opened.parse(JSON.parse(text)).session;
  } catch (cause) {
    throw new Error('unexpected answer to Hello', { cause });
  }
}

function isElsewhere({ status, body }: Answer): boolean {
  return status === 404 && refusalIn(body.toString())?.code === 'link/session-elsewhere';
}

function pathOf(session: string): string {
  return `${LINK_SESSIONS_PATH}/${session}`;
}
