import { Injectable } from '@nestjs/common';
import { Frontier } from '@raypher/ledger';
import type { ControlKind } from '@raypher/shared/rest';
import type { TenantTransaction } from '../database/tenant-database.ts';

const HASH_BYTES = 32;

/** An organisation's log as it is stored. */
export interface StoredLog {
  origin: string;
  generation: number;
  frontier: Frontier;
  /** End of the chain of control entries: number and SHA-256, hex. */
  control: { id: number; hash: string };
  /** Absent until the log was opened. */
  key: LogKey | undefined;
}

/** What the policy key says about the log's key. */
export interface LogKey {
  /** Exact bytes that were signed. */
  statement: Uint8Array;
  signature: Uint8Array;
  /** Of the policy key that signed. */
  policyKeyId: string;
}

export interface WaitingControl {
  arrival: bigint;
  kind: ControlKind;
  at: Date;
  body: unknown;
  commitment: Uint8Array | null;
}

export interface WaitingBatch {
  arrival: bigint;
  count: number;
  leafHashes: Uint8Array;
}

interface LogRow {
  origin: string;
  generation: number;
  size: bigint;
  frontier: Uint8Array;
  controlId: bigint;
  controlHash: Uint8Array;
  keyStatement: Uint8Array | null;
  keySignature: Uint8Array | null;
  policyKeyId: string | null;
}

/** The log of an organisation, and what waits for its place in it. */
@Injectable()
export class LogsRepository {
  async find(tx: TenantTransaction): Promise<StoredLog | undefined> {
    const row = await tx.ledgerLog.findFirst();
    return row === null ? undefined : toLog(row);
  }

  /** For the rest of the transaction; undefined when there is none, or another process has it. */
  async take(tx: TenantTransaction): Promise<StoredLog | undefined> {
    const [row] = await tx.$queryRaw<LogRow[]>`
      SELECT origin, generation, size, frontier, control_id AS "controlId", control_hash AS "controlHash",
        key_statement AS "keyStatement", key_signature AS "keySignature", policy_key_id AS "policyKeyId"
      FROM ledger_logs FOR UPDATE SKIP LOCKED`;
    return row === undefined ? undefined : toLog(row);
  }

  /** Does nothing when there is one. */
  async create(tx: TenantTransaction, organisationId: string, origin: string): Promise<void> {
    await tx.$executeRaw`
      INSERT INTO ledger_logs (organisation_id, origin) VALUES (${organisationId}::uuid, ${origin}) ON CONFLICT DO NOTHING`;
  }

  async setKey(
    tx: TenantTransaction,
    organisationId: string,
    key: LogKey,
    name: { origin: string; generation: number },
  ): Promise<void> {
    await tx.ledgerLog.update({
      where: { organisationId },
      data: {
        ...name,
        keyStatement: new Uint8Array(key.statement),
        keySignature: new Uint8Array(key.signature),
        policyKeyId: key.policyKeyId,
      },
      select: { origin: true },
    });
  }

  async waitingControl(tx: TenantTransaction, most: number): Promise<WaitingControl[]> {
    return tx.$queryRaw`
      SELECT arrival, kind, at, body, commitment FROM ledger_control WHERE id IS NULL ORDER BY arrival LIMIT ${most}`;
  }

  /** In order of arrival, until they have this many leaves together. */
  async waitingBatches(
    tx: TenantTransaction,
    leaves: number,
    which: 'all' | 'unsigned' = 'all',
  ): Promise<WaitingBatch[]> {
    return tx.$queryRaw`
      SELECT arrival, count, leaf_hashes AS "leafHashes" FROM (
        SELECT arrival, count, leaf_hashes, sum(count) OVER (ORDER BY arrival) - count AS before FROM (
          SELECT arrival, count, leaf_hashes FROM ledger_batches
           WHERE first_index IS NULL AND (${which} = 'all' OR signature IS NULL) ORDER BY arrival LIMIT ${leaves}
        ) AS waiting
      ) AS counted WHERE before < ${leaves} ORDER BY arrival`;
  }

  /** How many entries have no place yet. */
  async countWaiting(tx: TenantTransaction): Promise<number> {
    const [row] = await tx.$queryRaw<{ count: bigint }[]>`
      SELECT (SELECT count(*) FROM ledger_control WHERE id IS NULL)
        + (SELECT coalesce(sum(count), 0) FROM ledger_batches WHERE first_index IS NULL) AS count`;
    return Number(row?.count ?? 0);
  }

  async placeControl(
    tx: TenantTransaction,
    placed: readonly { arrival: bigint; id: number; entry: string; hash: string; leafIndex: number }[],
  ): Promise<void> {
    await tx.$executeRaw`
      UPDATE ledger_control c SET id = n.id, entry = n.entry, hash = decode(n.hash, 'hex'), leaf_index = n.leaf_index
        FROM UNNEST(${placed.map(({ arrival }) => String(arrival))}::bigint[], ${placed.map(({ id }) => String(id))}::bigint[],
          ${placed.map(({ entry }) => entry)}::text[], ${placed.map(({ hash }) => hash)}::text[],
          ${placed.map(({ leafIndex }) => String(leafIndex))}::bigint[]) AS n (arrival, id, entry, hash, leaf_index)
       WHERE c.arrival = n.arrival`;
  }

  async placeBatches(
    tx: TenantTransaction,
    placed: readonly { arrival: bigint; firstIndex: number }[],
  ): Promise<void> {
    await tx.$executeRaw`
      UPDATE ledger_batches b SET first_index = n.first_index, leaf_hashes = NULL
        FROM UNNEST(${placed.map(({ arrival }) => String(arrival))}::bigint[],
          ${placed.map(({ firstIndex }) => String(firstIndex))}::bigint[]) AS n (arrival, first_index)
       WHERE b.arrival = n.arrival AND b.first_index IS NULL`;
  }

  async advance(
    tx: TenantTransaction,
    organisationId: string,
    { frontier, control }: Pick<StoredLog, 'frontier' | 'control'>,
  ): Promise<void> {
    await tx.ledgerLog.update({
      where: { organisationId },
      data: {
        size: BigInt(frontier.size),
        frontier: new Uint8Array(Buffer.concat(frontier.hashes)),
        controlId: BigInt(control.id),
        controlHash: new Uint8Array(Buffer.from(control.hash, 'hex')),
      },
      select: { origin: true },
    });
  }
}

function toLog(row: LogRow): StoredLog {
  const { keyStatement, keySignature, policyKeyId } = row;
  const hashes = Array.from({ length: row.frontier.length / HASH_BYTES }, (_, at) =>
    row.frontier.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
  return {
    origin: row.origin,
    generation: row.generation,
    frontier: Frontier.of(Number(row.size), hashes),
    control: { id: Number(row.controlId), hash: Buffer.from(row.controlHash).toString('hex') },
    key:
      keyStatement === null || keySignature === null || policyKeyId === null
        ? undefined
        : { statement: keyStatement, signature: keySignature, policyKeyId },
  };
}
