import { randomBytes, randomUUID } from 'node:crypto';
import { type LedgerEntry, MAX_BATCH_ENTRIES } from '@raypher/shared';

/** A superuser's connection, as `pg` gives it. */
export interface Admin {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  end(): Promise<void>;
}

/**
 * An organisation with one device and a log, written by plain SQL: batches and entries of the control plane get their
 * places as the log's writer gives them.
 */
export class TestLog {
  readonly organisation = randomUUID();
  readonly device = randomUUID();
  #seq = 0;
  #size = 0;
  #controls = 0;

  private constructor(private readonly admin: Admin) {}

  static async create(admin: Admin): Promise<TestLog> {
    const log = new TestLog(admin);
    const team = randomUUID();
    await admin.query("INSERT INTO organisations (id, name) VALUES ($1, 'T')", [log.organisation]);
    await admin.query('INSERT INTO teams (id, organisation_id, name) VALUES ($1, $2, $3)', [
      team,
      log.organisation,
      'T',
    ]);
    await admin.query(
      `INSERT INTO devices (id, organisation_id, team_id, hostname, os, kernel, arch, agent_version, identity_class,
          key_fingerprint, machine_id)
        VALUES ($1, $2, $3, 'dev-1', 'linux', '6.1', 'x64', '0.1.0', 'software', $4, 'machine')`,
      [log.device, log.organisation, team, randomBytes(32)],
    );
    return log;
  }

  /** Places that are given. */
  get size(): number {
    return this.#size;
  }

  /** A batch of entries that have no place yet. @returns what gives them their places */
  async store(count: number, part: Partial<LedgerEntry> = {}): Promise<() => Promise<void>> {
    const first = this.#seq + 1;
    const seqs = Array.from({ length: count }, (_, at) => first + at);
    this.#seq += count;
    await this.admin.query(
      `INSERT INTO events (organisation_id, device_id, seq, received_on, received_at, occurred_at, type, severity, actor_kind,
          actor_id, actor_name, action, target, hash, entry)
        SELECT $1, $2, seq, current_date, now(), now(), $3, 'info', 'ai-agent', 'a1', 'agent.py', 'call', 't', $4, entry
        FROM unnest($5::bigint[], $6::text[]) AS new (seq, entry)`,
      [
        this.organisation,
        this.device,
        part.type ?? 'network.request',
        randomBytes(32),
        seqs,
        seqs.map((seq) => JSON.stringify(this.#entry(seq, part))),
      ],
    );
    await this.admin.query(
      `INSERT INTO ledger_batches (organisation_id, device_id, first_seq, count, signed_first_seq, signed_count, head, leaf_hashes)
        VALUES ($1, $2, $3, $4, $3, $4, $5, $6)`,
      [this.organisation, this.device, first, count, randomBytes(32), randomBytes(32 * count)],
    );
    return async () => {
      await this.admin.query(
        'UPDATE ledger_batches SET leaf_hashes = NULL, first_index = $3 WHERE device_id = $1 AND first_seq = $2',
        [this.device, first, this.#size],
      );
      this.#size += count;
    };
  }

  /** Entries with their places, in as few batches as devices need. */
  async append(count: number, part: Partial<LedgerEntry> = {}): Promise<void> {
    for (let left = count; left > 0; left -= MAX_BATCH_ENTRIES) {
      await (await this.store(Math.min(left, MAX_BATCH_ENTRIES), part))();
    }
  }

  /** Something that the control plane did, with its place. */
  async appendControl(kind: string, body: unknown): Promise<void> {
    this.#controls += 1;
    await this.admin.query(
      `INSERT INTO ledger_control (organisation_id, kind, body, private, commitment, id, entry, hash, leaf_index)
        VALUES ($1, $2, $3, $4, $5, $6, '{}', $5, $7)`,
      [
        this.organisation,
        kind,
        JSON.stringify(body),
        Buffer.from('{"reason":"private words"}'),
        randomBytes(32),
        this.#controls,
        this.#size,
      ],
    );
    this.#size += 1;
  }

  #entry(seq: number, part: Partial<LedgerEntry>): LedgerEntry {
    return {
      v: 1,
      organisation: this.organisation,
      device: this.device,
      seq,
      prev: '0'.repeat(64),
      at: new Date(Date.UTC(2026, 10, 30, 20, 0, 0, seq)).toISOString(),
      type: 'network.request',
      severity: 'info',
      actor: { kind: 'ai-agent', id: 'a1', name: 'agent.py', pid: 7, user: 'dev' },
      action: 'call',
      target: 'api.example/größe',
      data: { host: 'api.example', method: 'GET', status: 200 },
      ...part,
    };
  }
}
