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
  outcome: 'ALLOW' | 'DENY' | 'PROMPT';
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
  'kind' | 'process' | 'agent' | 'host' | 'port' | 'method' | 'path' | 'provider' | 'model'
>;

/** A connection while it is open. Who carries it writes into `state` as it goes on. */
export interface OpenConnection {
  readonly state: LiveConnection;
  /** Aborted when a person cuts it; the reason is a {@link CutByPerson}. */
  readonly cut: AbortSignal;
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

/** What is open right now. */
export class LiveConnections {
  readonly #open = new Map<string, { state: LiveConnection; controller: AbortController }>();

  open(opening: Opening): OpenConnection {
    const id = randomUUID();
    const controller = new AbortController();
    const state: LiveConnection = {
      ...opening,
      id,
      openedAt: Date.now(),
      outcome: 'ALLOW',
      bytesSent: 0,
      bytesReceived: 0,
      costMicros: undefined,
      costEstimated: false,
      asked: '',
      answered: '',
    };
    this.#open.set(id, { state, controller });
    return { state, cut: controller.signal, close: () => this.#open.delete(id) };
  }

  list(): LiveConnection[] {
    return [...this.#open.values()].map(({ state }) => state);
  }

  /** @returns what was cut, undefined when it is not open (any more) */
  cut(id: string, by: string): LiveConnection | undefined {
    const found = this.#open.get(id);
    found?.controller.abort(new CutByPerson(by));
    return found?.state;
  }
}
