import { randomUUID } from 'node:crypto';
import { type LinkEnding, type LinkLine, openLink } from '@raypher/link-client';
import type {
  BudgetLease,
  BudgetReport,
  Command,
  CommandResult,
  FreezePayload,
  Inventory,
  LinkTransport,
  LogCheckpoint,
  PolicyPayload,
} from '@raypher/shared';
import { ConnectionStream } from '../connections/connection-stream.ts';
import type { LiveConnections } from '../connections/live-connections.ts';
import type { Enrolment } from '../identity/enrolment.ts';
import type { KeyProvider } from '../identity/key-provider.ts';
import { machineFacts } from '../identity/machine-facts.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { EventLog } from '../store/event-log.ts';
import { waitMs } from './backoff.ts';
import type { BatchTracer } from './batch-trace.ts';
import type { DesiredState } from './desired-state.ts';
import { buildHeartbeat, buildHello, cpuMeter, type DeviceReport } from './device-report.ts';
import { type LinkEnd, linkEnd, statedEnd } from './link-end.ts';
import { LinkSession } from './link-session.ts';
import { Outbox } from './outbox.ts';
import { type BlockedTransport, TransportLadder } from './transport-ladder.ts';

export interface UplinkParts {
  enrolment: () => Enrolment;
  keys: KeyProvider;
  /** An HTTP proxy that the link is tunnelled through. */
  proxy?: URL | undefined;
  ledger: Ledger;
  log: EventLog;
  policy: DesiredState<PolicyPayload>;
  freeze: DesiredState<FreezePayload>;
  execute: (command: Command) => Promise<CommandResult>;
  report: DeviceReport;
  /** Shares of limits that others spend of too; without it nothing is asked for. */
  budgets?: { connected: () => void; receive: (lease: BudgetLease) => void };
  /** Holds the organisation's log to what was seen of it before. */
  follow: (checkpoint: LogCheckpoint) => void;
  /** What is open, while somebody watches; without it nothing is told. */
  connections?: LiveConnections;
  /** Traces a few of the batches; without it none. */
  traces?: BatchTracer | undefined;
  /** Told about each change of {@link LinkStatus}. */
  changed?: (status: LinkStatus) => void;
}

/** With why the last connection ended or failed; empty when none did. */
export interface LinkStatus extends LinkEnd {
  state: 'connected' | 'connecting' | 'waiting' | 'stopped';
  /** Milliseconds since the epoch. */
  since: number;
  /** What carries the link, or is tried. */
  transport: LinkTransport;
  /** Better ones that this network does not carry. */
  blocked: readonly BlockedTransport[];
}

type ConnectionEnd = LinkEnd & {
  kind: LinkEnding['kind'];
  established: boolean;
  lastedMs: number;
  retryAfterMs: number | undefined;
};

/** A connection that held this long was a good one: the next wait starts short again. */
const GOOD_AFTER_MS = 10_000;
/** From dialling to the answer to Hello. */
const ANSWER_WITHIN_MS = 15_000;
/** From a request to come back later to the status that says why. */
const REASON_WITHIN_MS = 1000;

/** Keeps the line to the control plane open for as long as the agent runs. */
export class Uplink {
  readonly #parts: UplinkParts;
  readonly #sessionId = randomUUID();
  readonly #stop = new AbortController();
  readonly #cpuShare = cpuMeter();
  readonly #ladder = new TransportLadder();
  #status: LinkStatus = {
    state: 'stopped',
    since: Date.now(),
    reason: '',
    code: '',
    transport: 'grpc',
    blocked: [],
  };
  #session: LinkSession | undefined;
  #hangUp: ((end: LinkEnd) => void) | undefined;
  #wake: (() => void) | undefined;
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
    this.#hangUp?.(linkEnd('the agent is stopping'));
    this.#wake?.();
    await this.#running;
  }

  /** Connects anew at once, for example with a renewed certificate. */
  reconnect(reason: string): void {
    this.#hangUp?.(linkEnd(reason));
    this.#wake?.();
  }

  publishInventory(inventory: Inventory): void {
    this.#inventory = inventory;
    this.#session?.publishInventory(inventory);
  }

  /** @returns false while there is no connection */
  reportBudgets(report: BudgetReport): boolean {
    return this.#status.state === 'connected' && (this.#session?.reportBudgets(report) ?? false);
  }

  /** Sends a heartbeat now. */
  beat(): void {
    this.#session?.beat();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let attempt = 0;
    while (!signal.aborted) {
      const transport = this.#ladder.choose();
      this.#set('connecting', this.#status);
      const ended = await this.#connectOnce(transport);
      this.#ladder.ended(ended.kind, ended.reason);
      if (ended.established && ended.lastedMs > GOOD_AFTER_MS) attempt = 0;
      if (signal.aborted) break;
      this.#set('waiting', ended);
      await this.#wait(waitMs(ended, attempt));
      attempt += 1;
    }
    this.#set('stopped', linkEnd(''));
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }

  async #connectOnce(transport: LinkTransport): Promise<ConnectionEnd> {
    const {
      enrolment,
      keys,
      proxy,
      report,
      log,
      ledger,
      policy,
      freeze,
      execute,
      follow,
      connections,
      traces,
    } = this.#parts;
    const member = enrolment();
    let established = false;
    let retryAfterMs: number | undefined;
    const startedAt = performance.now();
    const end = (why: LinkEnd & { kind?: LinkEnding['kind'] }): ConnectionEnd => ({
      kind: 'over',
      ...why,
      established,
      lastedMs: performance.now() - startedAt,
      retryAfterMs,
    });
    const { promise: ended, resolve: finish } = Promise.withResolvers<
      LinkEnd & { kind?: LinkEnding['kind'] }
    >();
    let line: LinkLine;
    try {
      const target = { ...member.link, tls: keys.tlsIdentity(member.certificate, member.ca), proxy };
      line = openLink(transport, target, {
        message: (message) => {
          try {
            session.receive(message);
          } catch (error) {
            finish(statedEnd(error));
          }
        },
        ended: finish,
      });
    } catch (error) {
      return end(statedEnd(error));
    }
    this.#hangUp = finish;
    if (this.#stop.signal.aborted) finish(linkEnd('the agent is stopping'));
    let lastWord: NodeJS.Timeout | undefined;
    const impatience = setTimeout(() => {
      if (!established) finish({ ...linkEnd('the control plane does not answer'), kind: 'blocked' });
    }, ANSWER_WITHIN_MS);

    const session = new LinkSession({
      line,
      hello: buildHello(member.device, this.#sessionId, machineFacts(), report),
      heartbeat: () => buildHeartbeat(report, this.#cpuShare()),
      policy,
      freeze,
      execute,
      follow,
      openOutbox: (send) =>
        new Outbox({ log, ledger, keys, send, traces, failed: (error) => finish(statedEnd(error)) }),
      openConnectionStream: (line) =>
        connections === undefined ? undefined : new ConnectionStream({ connections, ...line }),
      lease: (lease) => this.#parts.budgets?.receive(lease),
      established: () => {
        if (established) return;
        established = true;
        this.#ladder.worked();
        this.#set('connected', linkEnd(''));
        if (this.#inventory !== undefined) session.publishInventory(this.#inventory);
        this.#parts.budgets?.connected();
      },
      retryAfter: (ms, reason) => {
        retryAfterMs = ms;
        const why = linkEnd(reason === '' ? 'the control plane asked to come back later' : reason);
        if (why.code === '') finish(why);
        // A refusal ends with a sentence for people, which says more than its code.
        else lastWord = setTimeout(() => finish(why), REASON_WITHIN_MS);
      },
    });
    this.#session = session;
    const why = await ended;
    clearTimeout(impatience);
    clearTimeout(lastWord);
    this.#session = undefined;
    this.#hangUp = undefined;
    session.close();
    // It is over already, or we want it to be, and the control plane may know.
    if (why.kind === undefined) line.leave();
    else line.close();
    return end(why);
  }

  #set(state: LinkStatus['state'], { reason, code }: LinkEnd): void {
    if (state === this.#status.state && reason === this.#status.reason) return;
    const { transport, blocked } = this.#ladder;
    this.#status = { state, since: Date.now(), reason, code, transport, blocked };
    this.#parts.changed?.(this.#status);
  }
}
