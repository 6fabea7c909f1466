import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command, CommandResult, FreezePayload, Inventory, PolicyPayload } from '@raypher/shared';
import type { Enrolment } from '../identity/enrolment.ts';
import type { KeyProvider } from '../identity/key-provider.ts';
import { machineFacts } from '../identity/machine-facts.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { EventLog } from '../store/event-log.ts';
import { backoffMs, requestedWaitMs } from './backoff.ts';
import type { DesiredState } from './desired-state.ts';
import { buildHeartbeat, buildHello, cpuMeter, type DeviceReport } from './device-report.ts';
import { type LinkChannel, openLinkChannel } from './link-channel.ts';
import { LinkSession } from './link-session.ts';
import { Outbox } from './outbox.ts';

export interface UplinkParts {
  enrolment: () => Enrolment;
  keys: KeyProvider;
  ledger: Ledger;
  log: EventLog;
  policy: DesiredState<PolicyPayload>;
  freeze: DesiredState<FreezePayload>;
  execute: (command: Command) => Promise<CommandResult>;
  report: DeviceReport;
  /** Told about each change of {@link LinkStatus}. */
  changed?: (status: LinkStatus) => void;
}

export interface LinkStatus {
  state: 'connected' | 'connecting' | 'waiting' | 'stopped';
  /** Milliseconds since the epoch. */
  since: number;
  /** Why the last connection ended or failed; empty when none did. */
  reason: string;
}

/** A connection that held this long was a good one: the next wait starts short again. */
const GOOD_AFTER_MS = 10_000;
/** From dialling to the answer to Hello. */
const ANSWER_WITHIN_MS = 15_000;

/** Keeps the line to the control plane open for as long as the agent runs. */
export class Uplink {
  readonly #parts: UplinkParts;
  readonly #sessionId = randomUUID();
  readonly #stop = new AbortController();
  readonly #cpuShare = cpuMeter();
  #status: LinkStatus = { state: 'stopped', since: Date.now(), reason: '' };
  #session: LinkSession | undefined;
  #hangUp: ((reason: string) => void) | undefined;
  #inventory: Inventory | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: UplinkParts) {
    this.#parts = parts;
  }

  get status(): LinkStatus {
    return this.#status;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#hangUp?.('the agent is stopping');
    await this.#running;
  }

  /** Connects anew at once, for example with a renewed certificate. */
  reconnect(reason: string): void {
    this.#hangUp?.(reason);
  }

  publishInventory(inventory: Inventory): void {
    this.#inventory = inventory;
    this.#session?.publishInventory(inventory);
  }

  /** Sends a heartbeat now. */
  beat(): void {
    this.#session?.beat();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let attempt = 0;
    while (!signal.aborted) {
      this.#set('connecting', this.#status.reason);
      const ended = await this.#connectOnce();
      if (ended.established && ended.lastedMs > GOOD_AFTER_MS) attempt = 0;
      if (signal.aborted) break;
      this.#set('waiting', ended.reason);
      const delay =
        ended.retryAfterMs === undefined ? backoffMs(attempt) : requestedWaitMs(ended.retryAfterMs);
      attempt += 1;
      await wait(delay, undefined, { signal }).catch(() => {});
    }
    this.#set('stopped', '');
  }

  async #connectOnce(): Promise<{
    established: boolean;
    lastedMs: number;
    reason: string;
    retryAfterMs: number | undefined;
  }> {
    const { enrolment, keys, report, log, ledger, policy, freeze, execute } = this.#parts;
    const member = enrolment();
    let established = false;
    let retryAfterMs: number | undefined;
    const startedAt = performance.now();
    const end = (reason: string) => ({
      established,
      lastedMs: performance.now() - startedAt,
      reason,
      retryAfterMs,
    });
    let channel: LinkChannel;
    try {
      channel = openLinkChannel(member.link, keys.tlsIdentity(member.certificate, member.ca));
    } catch (error) {
      return end(reasonOf(error));
    }
    const { stream } = channel;
    const { promise: ended, resolve: finish } = Promise.withResolvers<string>();
    this.#hangUp = finish;
    stream.on('error', (error) => finish(reasonOf(error)));
    stream.on('end', () => finish('the control plane ended the connection'));
    if (this.#stop.signal.aborted) finish('the agent is stopping');
    const impatience = setTimeout(() => {
      if (!established) finish('the control plane does not answer');
    }, ANSWER_WITHIN_MS);

    const session = new LinkSession({
      stream: { write: (message) => stream.write(message), writable: () => !stream.writableNeedDrain },
      hello: buildHello(member.device, this.#sessionId, machineFacts(), report),
      heartbeat: () => buildHeartbeat(report, this.#cpuShare()),
      policy,
      freeze,
      execute,
      openOutbox: (send) =>
        new Outbox({ log, ledger, keys, send, failed: (error) => finish(reasonOf(error)) }),
      established: () => {
        if (established) return;
        established = true;
        this.#set('connected', '');
        if (this.#inventory !== undefined) session.publishInventory(this.#inventory);
      },
      retryAfter: (ms, reason) => {
        retryAfterMs = ms;
        finish(reason === '' ? 'the control plane asked to come back later' : reason);
      },
    });
    this.#session = session;
    stream.on('data', (message) => {
      try {
        session.receive(message);
      } catch (error) {
        finish(reasonOf(error));
      }
    });
    const reason = await ended;
    clearTimeout(impatience);
    this.#session = undefined;
    this.#hangUp = undefined;
    session.close();
    channel.close();
    return end(reason);
  }

  #set(state: LinkStatus['state'], reason: string): void {
    if (state === this.#status.state && reason === this.#status.reason) return;
    this.#status = { state, since: Date.now(), reason };
    this.#parts.changed?.(this.#status);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // grpc-js: "14 UNAVAILABLE: …"; the server's own sentence is in `details`.
  if ('details' in error && typeof error.details === 'string' && error.details !== '') return error.details;
  return error.message;
}
