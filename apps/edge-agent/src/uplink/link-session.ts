import type { LinkLine } from '@raypher/link-client';
import {
  AgentMessage,
  type BudgetLease,
  type BudgetReport,
  type Command,
  type CommandResult,
  type ControlMessage,
  type FreezePayload,
  type Heartbeat,
  type Hello,
  type Inventory,
  type LogCheckpoint,
  type Pace,
  type PolicyPayload,
} from '@raypher/shared';
import type { ConnectionStream, ConnectionStreamParts } from '../connections/connection-stream.ts';
import type { DesiredState } from './desired-state.ts';
import { fitInventory } from './fit-inventory.ts';
import { LatestValue } from './latest-value.ts';
import type { Outbox } from './outbox.ts';

export interface LinkSessionParts {
  line: Pick<LinkLine, 'write' | 'writable'>;
  hello: Hello;
  heartbeat: () => Heartbeat;
  policy: DesiredState<PolicyPayload>;
  freeze: DesiredState<FreezePayload>;
  execute: (command: Command) => Promise<CommandResult>;
  openOutbox: (send: (batch: Parameters<typeof batchMessage>[0]) => void) => Outbox;
  /** What is open, while somebody watches. */
  openConnectionStream: (line: Pick<ConnectionStreamParts, 'send' | 'ready'>) => ConnectionStream | undefined;
  /** Shares of limits that others spend of too. */
  lease: (lease: BudgetLease) => void;
  /** How the organisation's log has grown. */
  follow: (checkpoint: LogCheckpoint) => void;
  /** The first answer to Hello arrived. */
  established: () => void;
  /** The control plane asks to come back after this many milliseconds. */
  retryAfter: (ms: number, reason: string) => void;
}

const DEFAULT_PACE_MS = 30_000;
/** A server must not be able to make its devices busy or silent. */
const PACE_BOUNDS_MS = { min: 1000, max: 300_000 };
const PACE_JITTER = 0.1;
const INVENTORY_INTERVAL_MS = 500;

/** One connection's worth of talking: says Hello, then answers and reports until it is closed. */
export class LinkSession {
  readonly #parts: LinkSessionParts;
  readonly #outbox: Outbox;
  readonly #inventory: LatestValue<Inventory>;
  readonly #connections: ConnectionStream | undefined;
  #paceMs = DEFAULT_PACE_MS;
  #heartbeat: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: LinkSessionParts) {
    this.#parts = parts;
    this.#send({ $case: 'hello', value: parts.hello });
    this.#outbox = parts.openOutbox((batch) => this.#send(batchMessage(batch)));
    this.#inventory = new LatestValue(
      INVENTORY_INTERVAL_MS,
      () => parts.line.writable(),
      (value) => this.#send({ $case: 'inventory', value: fitInventory(value) }),
    );
    this.#connections = parts.openConnectionStream({
      ready: () => parts.line.writable(),
      send: (value) => this.#send({ $case: 'connections', value }),
    });
    this.#beatLater();
  }

  publishInventory(inventory: Inventory): void {
    if (!this.#closed) this.#inventory.offer(inventory);
  }

  /** Reports now instead of at the next beat, for example when posture changed. */
  beat(): void {
    if (this.#closed) return;
    this.#send({ $case: 'heartbeat', value: this.#parts.heartbeat() });
    this.#beatLater();
  }

  /** @returns false when nobody will get it */
  reportBudgets(value: BudgetReport): boolean {
    if (this.#closed || !this.#parts.line.writable()) return false;
    this.#send({ $case: 'budgetReport', value });
    return true;
  }

  receive(message: ControlMessage): void {
    const { body } = message;
    switch (body?.$case) {
      case undefined:
        return;
      case 'eventAck':
        this.#parts.established();
        this.#outbox.acknowledged(body.value);
        return;
      case 'credit':
        this.#outbox.credit(body.value.batches);
        return;
      case 'desired':
        this.#receiveDesired(body.value);
        return;
      case 'command':
        void this.#parts.execute(body.value).then((value) => this.#send({ $case: 'commandResult', value }));
        return;
      case 'retry':
        this.#parts.retryAfter(body.value.afterMs, body.value.reason);
        return;
      case 'budgetLease':
        this.#parts.lease(body.value);
        return;
      case 'logCheckpoint':
        this.#parts.follow(body.value);
        return;
      case 'pace':
        this.#pace(body.value);
        return;
      case 'refusal':
        // The line takes it for its end.
        return;
      default:
        body satisfies never;
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#heartbeat);
    this.#outbox.close();
    this.#inventory.close();
    this.#connections?.close();
  }

  #pace({ heartbeatMs, connectionsEveryMs }: Pace): void {
    this.#connections?.watch(connectionsEveryMs);
    const paceMs = Math.min(PACE_BOUNDS_MS.max, Math.max(PACE_BOUNDS_MS.min, heartbeatMs));
    // Whoever watches connections alone, on ten thousand devices, does not want a heartbeat of each now.
    if (paceMs === this.#paceMs) return;
    this.#paceMs = paceMs;
    this.beat();
  }

  #receiveDesired({ policy, freeze }: Extract<ControlMessage['body'], { $case: 'desired' }>['value']): void {
    // An emergency never waits behind a policy.
    if (freeze !== undefined) {
      this.#parts.freeze.receive(freeze, (value) => this.#send({ $case: 'ack', value }));
    }
    if (policy !== undefined) {
      this.#parts.policy.receive(policy, (value) => this.#send({ $case: 'ack', value }));
    }
  }

  #beatLater(): void {
    clearTimeout(this.#heartbeat);
    const jitter = 1 + PACE_JITTER * (2 * Math.random() - 1);
    this.#heartbeat = setTimeout(() => this.beat(), this.#paceMs * jitter);
    this.#heartbeat.unref();
  }

  #send(body: NonNullable<AgentMessage['body']>): void {
    if (!this.#closed) this.#parts.line.write({ body });
  }
}

type EventsBody = Extract<AgentMessage['body'], { $case: 'events' }>;

function batchMessage(value: EventsBody['value']): EventsBody {
  return { $case: 'events', value };
}
