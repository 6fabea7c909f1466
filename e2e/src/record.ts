import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

export interface RecordedEvent {
  seq: number;
  hash: string;
}

/** What the device wrote down, from its own store. */
export function recordedOnDevice(dataDir: string): RecordedEvent[] {
  const database = new DatabaseSync(join(dataDir, 'agent', 'agent.db'), { readOnly: true, timeout: 10_000 });
  try {
    const rows = database.prepare('SELECT seq, hash FROM events ORDER BY seq').all();
    return rows.map(({ seq, hash }) => ({ seq: Number(seq), hash: String(hash) }));
  } finally {
    database.close();
  }
}

/** What the control plane holds of that device, in order of sequence and of arrival. */
export async function recordedCentrally(
  dataDir: string,
  organisation: string,
  device: string,
): Promise<{ bySeq: RecordedEvent[]; byArrival: number[] }> {
  const client = new pg.Client({
    connectionString: readFileSync(join(dataDir, 'secrets', 'database-app-url'), 'utf8').trim(),
  });
  await client.connect();
  try {
    await client.query('BEGIN READ ONLY');
    await client.query("SELECT set_config('raypher.organisation', $1, true)", [organisation]);
    const { rows } = await client.query<{ seq: string; hash: string; position: string }>(
      "SELECT seq, encode(hash, 'hex') AS hash, position FROM events WHERE device_id = $1 ORDER BY seq, position",
      [device],
    );
    const bySeq = rows.map(({ seq, hash }) => ({ seq: Number(seq), hash }));
    const byArrival = [...rows]
      .sort((a, b) => Number(a.position) - Number(b.position))
      .map(({ seq }) => Number(seq));
    return { bySeq, byArrival };
  } finally {
    await client.end();
  }
}
