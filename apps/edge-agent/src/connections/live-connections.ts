import { randomUUID } from 'node:crypto';

/** One request, tunnel or stream on its way through the proxy, as the live view shows it. Nothing of it is stored. */
export interface LiveConnection {
  readonly id: string;
  readonly openedAt: number;
  readonly kind: 'request' | 'tunnel' | 'websocket';
  readonly process: { pid: number; startTime: number } | undefined;
  /** Id and name of the AI agent; undefined where there is none. */
  readonly agent: { id: string; name: string; user: string } | undefined;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly provider: string | undefined;
  model: string | undefined;
  /** `DENY`: would be, if the policy were enforced. `PROMPT`: a person is being asked. */
  outcome: 'ALLOW' | 'DENY' | 'PROMPT';
  /** Whose opinion it is, of the policy of that revision. */
  readonly rule: { layer: string; id: string; revision: number };
  bytesSent: number;
  bytesReceived: number;
  /** Micro-dollars so far, reckoned while it streams; undefined where nobody knows. */
  costMicros: number | undefined;
  costEstimated: boolean;
  /** Masked beginnings of what was asked and answered, at most {@link PREVIEW_LENGTH} characters each. */
  asked: string;
  answered: string;
}

export const PREVIEW_LENGTH = 240;

type Opening = Pick<
  LiveConnection,
  'kind' | 'process' | 'agent' | 'host' | 'port' | 'method' | 'path' | 'provider' | 'model' | 'rule'
> &
  Partial<Pick<LiveConnection, 'outcome'>>;

/** Reads how many bytes went through; asked only when somebody looks. */
export type ByteMeter = () => Partial<Pick<LiveConnection, 'bytesSent' | 'bytesReceived'>>;

/** A connection while it is open. Who carries it writes into `state` as it goes on. */
export interface OpenConnection {
  readonly state: LiveConnection;
  /** Aborted when a person cuts it; the reason is a {@link CutByPerson}. */
  readonly cut: AbortSignal;
  /** Bytes that are counted elsewhere. */
  measure(meter: ByteMeter): void;
  close(): void;
}

/** Why a connection ended that a person cut. */
export class CutByPerson extends Error {
  override readonly name = 'CutByPerson';
  readonly by: string;

  constructor(by: string) {
    super(`Ended by ${by}.`);
    this.by = by;
  }
}

interface Open {
  readonly state: LiveConnection;
  readonly controller: AbortController;
  meter: ByteMeter | undefined;
}

/** Told about every connection, as long as it listens. */
export interface ConnectionListener {
  opened(state: LiveConnection): void;
  /** With its last state. */
  closed(state: LiveConnection): void;
}

/** What is open right now. */
export class LiveConnections {
  readonly #open = new Map<string, Open>();
  readonly #listeners = new Set<ConnectionListener>();

  get size(): number {
    return this.#open.size;
  }

  open(opening: Opening): OpenConnection {
    const id = randomUUID();
    const controller = new AbortController();
    const state: LiveConnection = {
      outcome: 'ALLOW',
      ...opening,
      id,
      openedAt: Date.now(),
      bytesSent: 0,
      bytesReceived: 0,
      costMicros: undefined,
      costEstimated: false,
      asked: '',
      answered: '',
    };
    const open: Open = { state, controller, meter: undefined };
    this.#open.set(id, open);
    for (const listener of this.#listeners) listener.opened(state);
    return {
      state,
      cut: controller.signal,
      measure: (meter) => {
        open.meter = meter;
      },
      close: () => {
        if (!this.#open.delete(id)) return;
        if (this.#listeners.size === 0) return;
        measured(open);
        for (const listener of this.#listeners) listener.closed(state);
      },
    };
  }

  /** Oldest first. */
  list(): LiveConnection[] {
    return [...this.#open.values()].map(measured);
  }

  /** @returns the undo */
  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @returns what was cut, undefined when it is not open (any more) */
  cut(id: string, by: string): LiveConnection | undefined {
    const found = this.#open.get(id);
    if (found === undefined || found.controller.signal.aborted) return undefined;
    found.controller.abort(new CutByPerson(by));
    return measured(found);
  }
}

function measured({ state, meter }: Open): LiveConnection {
  return meter === undefined ? state : Object.assign(state, meter());
}
