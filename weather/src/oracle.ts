import type pg from 'pg';

/** An entry as the control plane has it. */
export interface StoredEntry {
  device: string;
  seq: number;
  /** SHA-256, hex. */
  hash: string;
}

export interface StoredHead {
  seq: number;
  hash: string;
}

/** What the control plane has of some devices. */
export interface StoredRecord {
  entries: StoredEntry[];
  heads: Map<string, StoredHead>;
  /** By device: the ranges of its signed batches, in order. */
  batches: Map<string, { firstSeq: number; count: number }[]>;
}

/** What the devices say, and what they were told. */
export interface RecordedTruth {
  /** By device: SHA-256 (hex) of each entry it recorded, from sequence number 1 on. */
  hashes: ReadonlyMap<string, readonly string[]>;
  acknowledgedThrough: ReadonlyMap<string, number>;
  /** Devices that were turned away for good: what was not acknowledged stays with them, and is not lost. */
  refused: ReadonlySet<string>;
}

export interface Judgement {
  entries: number;
  /** Recorded by a device and not in the database; of these, those that had been acknowledged. */
  lost: number;
  acknowledgedLost: number;
  /** In the database more than once. */
  duplicated: number;
  /** In the database, and not what the device recorded there; or recorded by nobody. */
  altered: number;
  /** Devices whose stored head is not the end of their chain, or whose batches do not cover it exactly once. */
  wrongHeads: number;
  wrongBatches: number;
}

/** Holds what the control plane has against what the devices recorded. */
export function judge(truth: RecordedTruth, stored: StoredRecord): Judgement {
  const { hashes, acknowledgedThrough, refused } = truth;
  const verdict = { ...NOTHING };
  const seen = new Set<string>();
  for (const { device, seq, hash } of stored.entries) {
    const place = `${device}/${seq}`;
    if (seen.has(place)) verdict.duplicated += 1;
    else if (hashes.get(device)?.[seq - 1] !== hash) verdict.altered += 1;
    seen.add(place);
  }
  for (const [device, recorded] of hashes) {
    const acknowledged = acknowledgedThrough.get(device) ?? 0;
    const head = stored.heads.get(device) ?? { seq: 0, hash: '' };
    const expected = refused.has(device) ? Math.max(acknowledged, head.seq) : recorded.length;
    verdict.entries += expected;
    for (let seq = 1; seq <= expected; seq += 1) {
      if (seen.has(`${device}/${seq}`)) continue;
      verdict.lost += 1;
      if (seq <= acknowledged) verdict.acknowledgedLost += 1;
    }
    const end = expected === 0 ? head.hash : recorded[expected - 1];
    if (head.seq !== expected || head.hash !== end) verdict.wrongHeads += 1;
    let next = 1;
    for (const { firstSeq, count } of stored.batches.get(device) ?? [])
      next = firstSeq === next ? next + count : Number.NaN;
    if (next !== expected + 1) verdict.wrongBatches += 1;
  }
  return verdict;
}

const NOTHING: Judgement = {
  entries: 0,
  lost: 0,
  acknowledgedLost: 0,
  duplicated: 0,
  altered: 0,
  wrongHeads: 0,
  wrongBatches: 0,
};

/** Whether nothing is missing, nothing is there twice, and nothing is different. */
export function isFlawless({ entries, ...faults }: Judgement): boolean {
  return entries > 0 && Object.values(faults).every((count) => count === 0);
}

/** Reads what the control plane has of these devices, as superuser: every partition, past row-level security. */
export async function readStored(
  database: Pick<pg.Pool, 'query'>,
  devices: readonly string[],
): Promise<StoredRecord> {
  const { rows: entries } = await database.query<{ device: string; seq: string; hash: string }>(
    `SELECT device_id AS device, seq, encode(hash, 'hex') AS hash FROM events WHERE device_id = ANY ($1::uuid[])`,
    [devices],
  );
  const { rows: heads } = await database.query<{ device: string; seq: string; hash: string }>(
    `SELECT device_id AS device, last_seq AS seq, encode(last_hash, 'hex') AS hash FROM device_chains
      WHERE device_id = ANY ($1::uuid[])`,
    [devices],
  );
  const { rows: ranges } = await database.query<{ device: string; first: string; count: number }>(
    `SELECT device_id AS device, first_seq AS first, count FROM ledger_batches WHERE device_id = ANY ($1::uuid[])
      ORDER BY device_id, first_seq`,
    [devices],
  );
  const batches: StoredRecord['batches'] = new Map();
  for (const { device, first, count } of ranges) {
    const range = { firstSeq: Number(first), count };
    const known = batches.get(device);
    if (known === undefined) batches.set(device, [range]);
    else known.push(range);
  }
  return {
    entries: entries.map(({ device, seq, hash }) => ({ device, seq: Number(seq), hash })),
    heads: new Map(heads.map(({ device, seq, hash }) => [device, { seq: Number(seq), hash }])),
    batches,
  };
}
