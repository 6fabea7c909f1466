import { createHash } from 'node:crypto';
import { LogWriter } from '../ledger/log-writer.service.ts';
import { Installation } from './installation.ts';
import type { TestDevice } from './test-device.ts';

/** A connection of a superuser, as `pg` gives it. */
interface Admin {
  connect(): Promise<unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: rows are whatever the question was.
  query(text: string, values?: unknown[]): Promise<{ rows: any[]; rowCount: number | null }>;
  end(): Promise<void>;
}

/** An entry in its place, as a superuser reads it. */
export interface StoredLeaf {
  index: number;
  entry: string;
}

/** An installation whose log is looked at, and tampered with, from below. */
export class LogInstallation {
  private constructor(
    readonly installation: Installation,
    private readonly admin: Admin,
  ) {}

  static async start(client: (url: string) => Admin): Promise<LogInstallation> {
    const installation = await Installation.start();
    const admin = client(installation.database.adminUrl);
    await admin.connect();
    return new LogInstallation(installation, admin);
  }

  get organisation(): string {
    return this.installation.organisationId;
  }

  get writer(): LogWriter {
    return this.installation.api.get(LogWriter, { strict: false });
  }

  /** A device that has sent this many entries, in batches of three or the size given, which are durable. */
  async deviceWith(entries: number, organisationId = this.organisation, batch = 3): Promise<TestDevice> {
    const device = await this.installation.enrolDevice(
      await this.installation.createToken({ organisationId }),
    );
    await this.send(device, entries, batch);
    return device;
  }

  async send(device: TestDevice, count: number, batch = 3): Promise<void> {
    const stream = await device.open(this.installation.linkPort);
    const first = device.head.seq + 1;
    const entries = device.record(count);
    for (let at = 0; at < count; at += batch) {
      stream.send({ $case: 'events', value: device.batch(entries.slice(at, at + batch), first + at) });
    }
    for (;;) {
      const { durableThroughSeq } = await stream.next('eventAck');
      if (Number(durableThroughSeq) >= device.head.seq) break;
    }
    device.close();
  }

  /** Until everything has its place. */
  async settle(): Promise<void> {
    for (let round = 0; round < 20; round += 1) {
      await this.writer.round();
      const { rows } = await this.admin.query('SELECT waiting_for_log()');
      if (rows.length === 0) return;
    }
    throw new Error('the log does not grow');
  }

  async query<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    const { rows } = await this.admin.query(text, values);
    return rows;
  }

  /** What an insider with the database's own account can do: no trigger stops it. */
  async tamper(text: string, values: unknown[] = []): Promise<number> {
    await this.admin.query('SET session_replication_role = replica');
    try {
      return (await this.admin.query(text, values)).rowCount ?? 0;
    } finally {
      await this.admin.query('SET session_replication_role = origin');
    }
  }

  /** All entries of an organisation in the order of its log. */
  leaves(organisationId = this.organisation): Promise<StoredLeaf[]> {
    return this.query<StoredLeaf>(
      `SELECT index::int, entry FROM (
         SELECT b.first_index + e.seq - b.first_seq AS index, e.entry FROM ledger_batches b
           JOIN events e ON e.device_id = b.device_id AND e.seq BETWEEN b.first_seq AND b.first_seq + b.count - 1
          WHERE b.organisation_id = $1 AND b.first_index IS NOT NULL
         UNION ALL SELECT leaf_index, entry FROM ledger_control WHERE organisation_id = $1 AND id IS NOT NULL
       ) AS placed ORDER BY index`,
      [organisationId],
    );
  }

  async stop(): Promise<void> {
    await this.admin.end();
    await this.installation.stop();
  }
}

/** RFC 6962 §2.1 word for word, to compare with. */
export function merkleRoot(entries: readonly Uint8Array[]): Buffer {
  const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
  const [first] = entries;
  if (first === undefined) return sha256();
  if (entries.length === 1) return sha256(Buffer.of(0), first);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return sha256(Buffer.of(1), merkleRoot(entries.slice(0, k)), merkleRoot(entries.slice(k)));
}
