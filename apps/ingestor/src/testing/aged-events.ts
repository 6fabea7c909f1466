import { randomBytes, randomUUID } from 'node:crypto';
import { type Admin, seedEvent } from './seed-tenant.ts';

const DAY_MS = 86_400_000;

/** The day so many days before today, UTC. */
export function daysAgo(days: number): string {
  return new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
}

export interface AgedTenant {
  organisation: string;
  device: string;
  /** Events that are there, in the order of their numbers. */
  events: number;
  /** Place of the last one in the log, plus one. */
  size: number;
}

/** A leaf of events of a day that is over; who serves requests can make none. */
export async function makeLeaf(admin: Admin, day: string): Promise<void> {
  const leaf = `events_${day.replaceAll('-', '')}`;
  await admin.query('SET ROLE raypher_owner', []);
  try {
    await admin.query(
      `CREATE TABLE IF NOT EXISTS ${leaf} PARTITION OF events
      FOR VALUES FROM ('${day}') TO ('${day}'::date + 1)`,
      [],
    );
  } finally {
    await admin.query('RESET ROLE', []);
  }
}

/** An organisation whose one device sent so many events on that day, in one batch that is in the log. */
export async function seedAged(
  admin: Admin,
  { day, events = 3, placed = true }: { day: string; events?: number; placed?: boolean },
): Promise<AgedTenant> {
  const [organisation, device] = [randomUUID(), randomUUID()];
  await admin.query('INSERT INTO organisations (id, name) VALUES ($1, $2)', [organisation, organisation]);
  await admin.query(
    `INSERT INTO devices (id, organisation_id, hostname, os, kernel, arch, agent_version, identity_class, key_fingerprint, machine_id)
      VALUES ($1, $2, 'aged-1', 'linux', '6.1', 'x64', '0.1.0', 'software', $3, 'machine')`,
    [device, organisation, randomBytes(32)],
  );
  await makeLeaf(admin, day);
  for (let seq = 1; seq <= events; seq += 1) {
    await seedEvent(admin, { organisation, device }, { seq, receivedAt: new Date(`${day}T12:00:00Z`) });
  }
  await admin.query(
    `INSERT INTO ledger_batches (organisation_id, device_id, first_seq, count, signed_first_seq, signed_count, head,
        first_index, leaf_hashes) VALUES ($1, $2, 1, $3, 1, $3, $4, $5, $6)`,
    [
      organisation,
      device,
      events,
      randomBytes(32),
      placed ? 0 : null,
      placed ? null : randomBytes(32 * events),
    ],
  );
  await admin.query(
    'INSERT INTO ledger_checkpoints (organisation_id, size, root, note) VALUES ($1, $2, $3, $4)',
    [organisation, events, randomBytes(32), 'note'],
  );
  return { organisation, device, events, size: events };
}
