import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EMPTY_CHAIN } from '@raypher/ledger';
import { BundlePayload } from '@raypher/shared';
import { z } from 'zod';
import type { AppliedRevision, AppliedState, StateKindName } from '../device/applied-state.ts';
import type { StoredLedger } from '../device/device-ledger.ts';
import type { DeviceIdentity } from './device-identity.ts';

const Identity = z.object({
  hostname: z.string(),
  device: z.uuid(),
  organisation: z.uuid(),
  keyPem: z.string(),
  certificate: z.string(),
  renewAfterMs: z.number(),
  policyKeys: z.array(z.object({ keyId: z.string(), publicKey: z.string() })),
  link: z.object({ host: z.string(), port: z.number() }),
}) satisfies z.ZodType<DeviceIdentity>;

const Row = z.object({ identity: z.string(), seq: z.number(), hash: z.string() });
const Slot = z.object({
  kind: z.enum(['policy', 'freeze']),
  revision: z.number(),
  digest: z.instanceof(Uint8Array),
  payload: z.instanceof(Uint8Array),
});
const Entry = z.object({ bytes: z.instanceof(Uint8Array) });

export interface StoredDevice {
  identity: DeviceIdentity;
  ledger: StoredLedger;
  applied: AppliedState;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS devices (
    root TEXT NOT NULL, hostname TEXT NOT NULL, identity TEXT NOT NULL, device TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL DEFAULT 0, hash TEXT NOT NULL, PRIMARY KEY (root, hostname)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS slots (
    device TEXT NOT NULL, kind TEXT NOT NULL, revision INTEGER NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (device, kind)
  ) STRICT;
  -- once per fleet, not once per device
  CREATE TABLE IF NOT EXISTS payloads (digest BLOB PRIMARY KEY, payload BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS entries (
    device TEXT NOT NULL, seq INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (device, seq)
  ) STRICT, WITHOUT ROWID;
`;

/**
 * Keeps a fleet between two starts: identities, ledger heads, entries that are not durable yet, applied revisions.
 *
 * A device that forgot the end of its chain would look rolled back to the control plane, so entries are committed
 * here before they are sent. Identities belong to one installation (its root CA): another one starts a fresh fleet.
 */
export class FleetStore {
  readonly #database: DatabaseSync;
  readonly #root: string;
  #closed = false;
  /** One parsed payload serves all devices that run it. */
  readonly #payloads = new Map<string, BundlePayload>();

  /** @param directory created with mode 0700 when missing; `rootPem` names the installation */
  constructor(directory: string, rootPem: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, 'swarm.db');
    this.#database = new DatabaseSync(path);
    chmodSync(path, 0o600);
    this.#database.exec(SCHEMA);
    this.#root = createHash('sha256').update(rootPem).digest('hex');
  }

  load(hostname: string): StoredDevice | undefined {
    const found = this.#database
      .prepare('SELECT identity, seq, hash FROM devices WHERE root = ? AND hostname = ?')
      .get(this.#root, hostname);
    if (found === undefined) return undefined;
    const row = Row.parse(found);
    const identity = Identity.parse(JSON.parse(row.identity));
    return {
      identity,
      ledger: { head: { seq: row.seq, hash: row.hash }, waiting: this.#entries(identity.device) },
      applied: this.#slots(identity.device),
    };
  }

  #entries(device: string): Buffer[] {
    const rows = this.#database
      .prepare('SELECT bytes FROM entries WHERE device = ? ORDER BY seq')
      .all(device);
    return rows.map((row) => Buffer.from(Entry.parse(row).bytes));
  }

  #slots(device: string): AppliedState {
    const applied: AppliedState = {};
    const rows = this.#database
      .prepare(
        'SELECT kind, revision, digest, payload FROM slots JOIN payloads USING (digest) WHERE device = ?',
      )
      .all(device);
    for (const row of rows) {
      const { kind, revision, digest, payload } = Slot.parse(row);
      applied[kind] = { revision, digest: Buffer.from(digest), payload: this.#parsed(digest, payload) };
    }
    return applied;
  }

  #parsed(digest: Uint8Array, bytes: Uint8Array): BundlePayload {
    const name = Buffer.from(digest).toString('hex');
    const known = this.#payloads.get(name);
    if (known !== undefined) return known;
    const payload = BundlePayload.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    this.#payloads.set(name, payload);
    return payload;
  }

  saveIdentity(identity: DeviceIdentity): void {
    this.#database
      .prepare(
        `INSERT INTO devices (root, hostname, identity, device, hash) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (root, hostname) DO UPDATE SET identity = excluded.identity, device = excluded.device,
           seq = CASE WHEN device = excluded.device THEN seq ELSE 0 END,
           hash = CASE WHEN device = excluded.device THEN hash ELSE excluded.hash END`,
      )
      .run(this.#root, identity.hostname, JSON.stringify(identity), identity.device, EMPTY_CHAIN.hash);
  }

  saveApplied(device: string, kind: StateKindName, applied: AppliedRevision, payload: Buffer): void {
    if (this.#closed) return;
    const { revision, digest } = applied;
    this.#database
      .prepare('INSERT OR IGNORE INTO payloads (digest, payload) VALUES (?, ?)')
      .run(digest, payload);
    this.#database
      .prepare('INSERT OR REPLACE INTO slots (device, kind, revision, digest) VALUES (?, ?, ?, ?)')
      .run(device, kind, revision, digest);
  }

  /** @param head the chain's head after these entries */
  append(device: string, head: { seq: number; hash: string }, entries: readonly Buffer[]): void {
    if (this.#closed) return;
    const insert = this.#database.prepare('INSERT INTO entries (device, seq, bytes) VALUES (?, ?, ?)');
    entries.forEach((bytes, index) => {
      insert.run(device, head.seq - entries.length + 1 + index, bytes);
    });
    this.#database
      .prepare('UPDATE devices SET seq = ?, hash = ? WHERE device = ?')
      .run(head.seq, head.hash, device);
  }

  forgetThrough(device: string, seq: number): void {
    if (this.#closed) return;
    this.#database.prepare('DELETE FROM entries WHERE device = ? AND seq <= ?').run(device, seq);
  }

  /** Everything that `change` writes becomes durable together. */
  transaction(change: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      change();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** What a stopped fleet still does (an enforcer that was busy) is neither sent nor stored. */
  close(): void {
    this.#closed = true;
    this.#database.close();
  }
}
