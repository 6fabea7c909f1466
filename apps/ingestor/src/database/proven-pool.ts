import pg from 'pg';

/** A connection that answered this recently is handed out unasked, milliseconds. */
const FRESH_MS = 1_000;
/** What is used longer may have waited for somebody who is gone. */
const LONG_USE_MS = 5_000;
const ANSWERS_WITHIN_MS = 1_000;

// The types of pg do not know that one question may be less patient than the others.
const ARE_YOU_THERE: pg.QueryConfig & { query_timeout: number } = {
  text: 'SELECT 1',
  query_timeout: ANSWERS_WITHIN_MS,
};

type Callback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: Error | boolean) => void,
) => void;

/**
 * A pool that asks a connection whether somebody is there before it hands it out, unless it was heard of just now. A
 * database whose machine is gone says nothing, and TCP keeps connections to it for a quarter of an hour: whoever got one of
 * them would wait, and then fail, although the database is back.
 */
export class ProvenPool extends pg.Pool {
  /** When each was heard of last, and handed out last. Monotonic, milliseconds. */
  readonly #heard = new WeakMap<object, number>();
  readonly #taken = new WeakMap<object, number>();

  constructor(config: pg.PoolConfig) {
    super(config);
    this.on('connect', (client) => this.#heard.set(client, performance.now()));
    this.on('release', (_error, client) => {
      const takenAt = this.#taken.get(client) ?? Number.NEGATIVE_INFINITY;
      const now = performance.now();
      this.#heard.set(client, now - takenAt < LONG_USE_MS ? now : Number.NEGATIVE_INFINITY);
    });
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Callback): void;
  override connect(callback?: Callback): Promise<pg.PoolClient> | undefined {
    const proven = this.#proven();
    if (callback === undefined) return proven;
    proven.then(
      (client) => callback(undefined, client, (release) => client.release(release)),
      (error: Error) => callback(error, undefined, () => {}),
    );
    return undefined;
  }

  async #proven(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await super.connect();
      const heardAt = this.#heard.get(client) ?? Number.NEGATIVE_INFINITY;
      if (performance.now() - heardAt < FRESH_MS || (await answers(client))) {
        this.#taken.set(client, performance.now());
        return client;
      }
      client.release(true);
    }
  }
}

async function answers(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query(ARE_YOU_THERE);
    return true;
  } catch {
    return false;
  }
}
