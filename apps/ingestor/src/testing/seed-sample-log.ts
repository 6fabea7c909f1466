import { createHash } from 'node:crypto';
import { Frontier, leafHash, parseCheckpoint, parseNote, tilesOf } from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import type { SampleLog } from '@raypher/ledger/testing';
import { daysAgo, makeLeaf } from './aged-events.ts';
import type { Admin } from './seed-tenant.ts';

interface Entry {
  entry?: 'control';
  device: string;
  seq: number;
  id: number;
  kind: string;
}

/** How much of a sample log is in the database. */
export interface SeededLog {
  organisation: string;
  /** Entries, of which the events of devices arrived on this day (UTC). */
  day: string;
  size: number;
}

/**
 * Puts a sample log into the database as the link and the log's writer would have: organisation, devices, events,
 * batches, control entries, tiles and checkpoints. Once more for what it has grown by.
 *
 * @param days how many days ago its events arrived
 */
export async function seedSampleLog(
  admin: Admin,
  log: SampleLog,
  { days = 0, after = 0 }: { days?: number; after?: number } = {},
): Promise<SeededLog> {
  const { organisation, origin, vkey } = log;
  const { sha256 } = nodePrimitives;
  const day = daysAgo(days);
  const checkpoints = log.checkpoints.map((note) => ({ note, ...parseCheckpoint(parseNote(note).text) }));
  const size = checkpoints.at(-1)?.size ?? 0;
  const entries = log.entries
    .slice(0, size)
    .map((bytes, index) => ({ index, text: Buffer.from(bytes).toString('utf8') }))
    .slice(after)
    .map(({ index, text }) => ({ index, text, parsed: JSON.parse(text) as Entry }));
  const statement = JSON.stringify({ context: 'raypher.v1.LogKey', organisation, origin, vkey });

  if (after === 0)
    await admin.query(`INSERT INTO organisations (id, name) VALUES ($1, 'Sample') ON CONFLICT DO NOTHING`, [
      organisation,
    ]);
  for (const { device } of log.devices) {
    await admin.query(
      `INSERT INTO devices (id, organisation_id, hostname, os, kernel, arch, agent_version, identity_class, key_fingerprint, machine_id)
        VALUES ($1, $2, 'sample', 'linux', '6.1', 'x64', '0.1.0', 'software', $3, 'machine') ON CONFLICT DO NOTHING`,
      [device, organisation, createHash('sha256').update(device).digest()],
    );
  }
  await makeLeaf(admin, day);
  const events = entries.filter(({ parsed }) => parsed.entry === undefined);
  await admin.query(
    `INSERT INTO events (organisation_id, device_id, seq, received_on, received_at, occurred_at, type, severity, actor_kind,
        actor_id, actor_name, action, target, hash, entry)
      SELECT $1, device, seq, $2::date, $2::date + interval '12 hours', now(), 'network.request', 'info', 'ai-agent', 'agent',
        'an agent', 'call', 'api.example', sha256(convert_to(entry, 'UTF8')), entry
      FROM UNNEST($3::uuid[], $4::bigint[], $5::text[]) AS n (device, seq, entry)`,
    [
      organisation,
      day,
      events.map(({ parsed }) => parsed.device),
      events.map(({ parsed }) => parsed.seq),
      events.map(({ text }) => text),
    ],
  );
  for (const batch of log.batches.filter(({ index }) => index >= after && index < size)) {
    const { firstSeq, count } = batch.statement ?? batch;
    await admin.query(
      `INSERT INTO ledger_batches (organisation_id, device_id, first_seq, count, signed_first_seq, signed_count, head,
          signature, first_index) VALUES ($1, $2, $3, $4, $5, $6, decode($7, 'hex'), decode($8, 'base64'), $9)`,
      [
        organisation,
        batch.device,
        batch.firstSeq,
        batch.count,
        firstSeq,
        count,
        batch.head,
        batch.signature,
        batch.index,
      ],
    );
  }
  for (const { index, text, parsed } of entries.filter((entry) => entry.parsed.entry === 'control')) {
    await admin.query(
      `INSERT INTO ledger_control (organisation_id, kind, body, id, entry, hash, leaf_index)
        VALUES ($1, $2, '{}', $3, $4::text, sha256(convert_to($4, 'UTF8')), $5)`,
      [organisation, parsed.kind, parsed.id, text, index],
    );
  }
  await seedTiles(admin, organisation, log, size);
  for (const { size: at, root, note } of checkpoints.filter((checkpoint) => checkpoint.size > after)) {
    await admin.query(
      'INSERT INTO ledger_checkpoints (organisation_id, size, root, note) VALUES ($1, $2, $3, $4)',
      [organisation, at, Buffer.from(root), note],
    );
  }
  const frontier = log.entries
    .slice(0, size)
    .reduce((one, entry) => one.append(leafHash(entry, sha256), sha256), Frontier.EMPTY);
  await admin.query(
    `INSERT INTO ledger_logs (organisation_id, origin, key_statement, key_signature, policy_key_id, size, frontier)
      VALUES ($1, $2, $3, '\\x00', 'k', $4, $5)
      ON CONFLICT (organisation_id) DO UPDATE SET size = excluded.size, frontier = excluded.frontier`,
    [organisation, origin, Buffer.from(statement), size, Buffer.concat(frontier.hashes)],
  );
  return { organisation, day, size };
}

async function seedTiles(admin: Admin, organisation: string, log: SampleLog, size: number): Promise<void> {
  for (const id of tilesOf(size)) {
    const hashes = (await log.readTile(id)).subarray(0, id.width * 32);
    await admin.query(
      `INSERT INTO ledger_tiles (organisation_id, level, tile_index, hashes) VALUES ($1, $2, $3, $4)
        ON CONFLICT (organisation_id, level, tile_index) DO UPDATE SET hashes = excluded.hashes`,
      [organisation, id.level, id.index, Buffer.from(hashes)],
    );
  }
}
