import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

const COLUMNS = `organisation_id, device_id, seq, position, received_on, received_at, occurred_at, type, severity,
  actor_kind, actor_id, actor_name, action, target, outcome, mode, rule, policy_revision, hash, entry`;
/** Days after today whose leaf the floor fills: same shape, same indexes, other rows. */
const DAYS_LATER = 5;

/** Events that the link has stored, copied once more by nothing but COPY. */
export class CopyFloor {
  readonly #admin: pg.Client;
  readonly #ingest: pg.Client;
  readonly #day: string;
  #through = '0';

  private constructor(admin: pg.Client, ingest: pg.Client, day: string) {
    this.#admin = admin;
    this.#ingest = ingest;
    this.#day = day;
  }

  static async connect(urls: { admin: string; ingest: string }): Promise<CopyFloor> {
    const clients = [urls.admin, urls.ingest].map((connectionString) => new pg.Client({ connectionString }));
    const [admin, ingest] = clients;
    if (admin === undefined || ingest === undefined) throw new Error('two URLs make two clients');
    await Promise.all(clients.map((client) => client.connect()));
    const day = new Date(Date.now() + DAYS_LATER * 86_400_000).toISOString().slice(0, 10);
    await ingest.query('SELECT ensure_event_partition($1::date)', [day]);
    return new CopyFloor(admin, ingest, day);
  }

  /** Everything that was stored since the last call, as COPY's text, for the floor's day. */
  async takeNewRows(): Promise<{ rows: number; text: Buffer[] }> {
    const columns = COLUMNS.replace('received_on', `date '${this.#day}'`);
    const where = `position > ${this.#through} AND received_on <> date '${this.#day}'`;
    const { rows } = await this.#admin.query<{ rows: string; through: string | null }>(
      `SELECT count(*) AS rows, max(position) AS through FROM events WHERE ${where}`,
    );
    const text: Buffer[] = [];
    const stream = this.#admin.query(
      copyTo(`COPY (SELECT ${columns} FROM events WHERE ${where} ORDER BY position) TO STDOUT`),
    );
    for await (const piece of stream) text.push(piece);
    this.#through = rows[0]?.through ?? this.#through;
    return { rows: Number(rows[0]?.rows ?? 0), text: inPieces(Buffer.concat(text)) };
  }

  /** One COPY, one transaction, one connection. @returns milliseconds until it is committed */
  async copy(text: readonly Buffer[]): Promise<number> {
    const leaf = `events_${this.#day.replaceAll('-', '')}`;
    const began = performance.now();
    await pipeline(
      Readable.from(text, { objectMode: false }),
      this.#ingest.query(copyFrom(`COPY ${leaf} (${COLUMNS}) FROM STDIN`)),
    );
    return performance.now() - began;
  }

  async close(): Promise<void> {
    await Promise.all([this.#admin.end(), this.#ingest.end()]);
  }
}

/** As large as the link's own. */
function inPieces(text: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < text.length; at += 65_536) pieces.push(text.subarray(at, at + 65_536));
  return pieces;
}
