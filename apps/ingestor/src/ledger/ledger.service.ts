import { Injectable } from '@nestjs/common';
import {
  EMPTY_ROOT,
  formatTlogProof,
  leafHash,
  parseTilePath,
  proveConsistency,
  proveInclusion,
} from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { RaypherError } from '@raypher/shared';
import type {
  CheckpointView,
  ConsistencyProof,
  ConsistencyQuery,
  InclusionProof,
  LedgerEntries,
  LedgerEntriesQuery,
  LedgerEntryView,
  LedgerStatus,
  ProofQuery,
} from '@raypher/shared/rest';
import { DroppedEntries } from '../archive/dropped-entries.service.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { OrganisationKeysService } from '../keys/organisation-keys.service.ts';
import { logFollowedKey } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { CheckpointsRepository, type StoredCheckpoint } from './checkpoints.repository.ts';
import { LogExportService } from './log-export.service.ts';
import { logKeyOf } from './log-key.ts';
import { LogStateRepository } from './log-state.repository.ts';
import { LogsRepository, type StoredLog } from './logs.repository.ts';
import { type PlacedEntry, RecordRepository } from './record.repository.ts';
import { TilesRepository } from './tiles.repository.ts';

const TILE_WIDTH = 256;
const HASH_BYTES = 32;

/** Answers what people and programs ask about their organisation's log. */
@Injectable()
export class LedgerService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly logs: LogsRepository,
    private readonly state: LogStateRepository,
    private readonly checkpoints: CheckpointsRepository,
    private readonly tiles: TilesRepository,
    private readonly record: RecordRepository,
    private readonly keys: OrganisationKeysService,
    private readonly exports: LogExportService,
    private readonly dropped: DroppedEntries,
    private readonly redis: RedisConnections,
  ) {}

  async status(organisationId: string): Promise<LedgerStatus> {
    const status = await this.database.within(organisationId, async (tx) => {
      const log = await this.logs.find(tx);
      const newest = await this.checkpoints.find(tx);
      const progress = await this.state.progress(tx);
      const witnesses = await this.checkpoints.anchors(tx);
      return {
        ...(await this.state.read(tx)),
        origin: log?.origin ?? null,
        size: log?.frontier.size ?? 0,
        root: hex(log?.frontier.root(nodePrimitives.sha256) ?? EMPTY_ROOT),
        waiting: await this.logs.countWaiting(tx),
        checkpoint: newest === undefined ? null : await this.show(tx, newest),
        anchoredUntil: Math.max(0, ...witnesses.map(({ size }) => size)),
        witnesses,
        vkey: log?.key === undefined ? null : logKeyOf(log).vkey,
        keyStatement: await this.statement(tx, organisationId, log),
        audit: {
          size: progress.auditedSize,
          at: progress.auditedAt?.toISOString() ?? null,
          completedAt: progress.completedAt?.toISOString() ?? null,
        },
      };
    });
    return { ...status, followedUntil: await this.followedUntil(organisationId, status.origin) };
  }

  /** The link writes it down as devices say it. */
  private async followedUntil(organisationId: string, origin: string | null): Promise<number | null> {
    if (origin === null) return 0;
    try {
      return Number((await this.redis.commands.zscore(logFollowedKey(organisationId), origin)) ?? 0);
    } catch {
      return null;
    }
  }

  /** The signed note. */
  async checkpoint(organisationId: string, size: number | undefined): Promise<string> {
    const { note } = await this.database.within(organisationId, (tx) => this.requireCheckpoint(tx, size));
    return note;
  }

  async listCheckpoints(organisationId: string, before: number | undefined, limit: number) {
    return this.database.within(organisationId, async (tx) => {
      const rows = await this.checkpoints.page(tx, before, limit + 1);
      return Promise.all(rows.map(async (row) => this.show(tx, row)));
    });
  }

  /** @throws RaypherError `request/not-found` when there is no such entry under that checkpoint */
  prove(organisationId: string, query: ProofQuery): Promise<InclusionProof & { text: string }> {
    return this.database.within(organisationId, async (tx) => {
      const index = query.index ?? (await this.record.indexOf(tx, query.device ?? '', query.seq ?? 0));
      const { size, note } = await this.requireCheckpoint(tx, query.size);
      if (index === undefined || index >= size) {
        throw new RaypherError('request/not-found', 'There is no such entry under a signed checkpoint.', {
          hint: 'What is new gets its place within a second, and its checkpoint a few seconds later.',
        });
      }
      const { sha256 } = nodePrimitives;
      const hashes = await proveInclusion(index, size, (ids) => this.tiles.read(tx, ids), sha256);
      const [leaf = ''] = await this.leaves(tx, index, 1);
      return {
        index,
        size,
        leaf,
        hashes: hashes.map(hex),
        checkpoint: note,
        text: formatTlogProof({ index, hashes, checkpoint: note }),
      };
    });
  }

  /** @throws RaypherError `request/invalid` for sizes that the log does not have */
  proveGrowth(organisationId: string, { from, to }: ConsistencyQuery): Promise<ConsistencyProof> {
    return this.database.within(organisationId, async (tx) => {
      const size = (await this.logs.find(tx))?.frontier.size ?? 0;
      if (from > to || to > size) {
        throw new RaypherError('request/invalid', `The log has ${size} entries, and does not shrink.`, {
          details: { size },
        });
      }
      const { sha256 } = nodePrimitives;
      const hashes = await proveConsistency(from, to, (ids) => this.tiles.read(tx, ids), sha256);
      return { from, to, hashes: hashes.map(hex) };
    });
  }

  browse(organisationId: string, { before, limit }: LedgerEntriesQuery): Promise<LedgerEntries> {
    return this.database.within(organisationId, async (tx) => {
      const size = (await this.logs.find(tx))?.frontier.size ?? 0;
      const to = Math.min(before ?? size, size);
      const from = Math.max(0, to - limit);
      const items = await this.showEntries(tx, from, to);
      return { items: items.reverse(), next: from === 0 ? null : from };
    });
  }

  async entry(organisationId: string, index: number): Promise<LedgerEntryView> {
    const [found] = await this.database.within(organisationId, (tx) =>
      this.showEntries(tx, index, index + 1),
    );
    if (found === undefined) throw new RaypherError('request/not-found', 'The log has no such entry.');
    if (found.entry !== null) return found;
    const [archived = new Uint8Array()] = await this.dropped.fill(organisationId, index, [new Uint8Array()]);
    const isThisOne = hex(leafHash(archived, nodePrimitives.sha256)) === found.leaf;
    if (!isThisOne) return found;
    const hash = hex(nodePrimitives.sha256(archived));
    return { ...found, hash, entry: Buffer.from(archived).toString('utf8') };
  }

  /** The bytes of a tile or of an entry bundle, by its path in c2sp.org/tlog-tiles. */
  async tile(organisationId: string, path: string): Promise<Uint8Array> {
    const id = parseTilePath(path);
    const bytes =
      id === undefined
        ? await this.exports.bundle(organisationId, path)
        : await this.database.within(organisationId, async (tx) => {
            const [hashes = new Uint8Array()] = await this.tiles.read(tx, [id]);
            return hashes.length < id.width * HASH_BYTES
              ? undefined
              : hashes.subarray(0, id.width * HASH_BYTES);
          });
    if (bytes === undefined) throw new RaypherError('request/not-found', 'The log has no such tile.');
    return bytes;
  }

  private async showEntries(tx: TenantTransaction, from: number, to: number): Promise<LedgerEntryView[]> {
    const leaves = await this.leaves(tx, from, to - from);
    const placed = new Map((await this.record.entries(tx, from, to)).map((entry) => [entry.index, entry]));
    return leaves.map((leaf, at) => showEntry(from + at, leaf, placed.get(from + at)));
  }

  /** Leaf hashes, hex, as the tiles have them. */
  private async leaves(tx: TenantTransaction, first: number, count: number): Promise<string[]> {
    const leaves: string[] = [];
    const last = Math.floor((first + count - 1) / TILE_WIDTH);
    for (let index = Math.floor(first / TILE_WIDTH); index <= last; index += 1) {
      const [hashes = new Uint8Array()] = await this.tiles.read(tx, [{ level: 0, index, width: 1 }]);
      for (let at = 0; at * HASH_BYTES < hashes.length; at += 1) {
        const place = index * TILE_WIDTH + at;
        if (place < first || place >= first + count) continue;
        leaves.push(hex(hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)));
      }
    }
    return leaves;
  }

  private async requireCheckpoint(
    tx: TenantTransaction,
    size: number | undefined,
  ): Promise<StoredCheckpoint> {
    const found = await this.checkpoints.find(tx, size);
    if (found !== undefined) return found;
    throw new RaypherError('request/not-found', 'There is no signed checkpoint of this size.', {
      hint: 'GET /v1/ledger/checkpoints lists those that there are.',
    });
  }

  private async show(
    tx: TenantTransaction,
    { size, root, at, note }: StoredCheckpoint,
  ): Promise<CheckpointView> {
    const anchors = await this.checkpoints.anchors(tx, size);
    return { size, root: hex(root), at: at.toISOString(), note, anchors };
  }

  private async statement(
    tx: TenantTransaction,
    organisationId: string,
    log: StoredLog | undefined,
  ): Promise<LedgerStatus['keyStatement']> {
    if (log?.key === undefined) return null;
    const { statement, signature, policyKeyId } = log.key;
    const key = (await this.keys.policyKeys(tx, organisationId)).find(({ keyId }) => keyId === policyKeyId);
    if (key === undefined) return null;
    return {
      payload: Buffer.from(statement).toString('base64'),
      signature: Buffer.from(signature).toString('base64'),
      policyKey: { keyId: policyKeyId, publicKey: key.publicKey.toString('base64') },
    };
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function showEntry(index: number, leaf: string, placed: PlacedEntry | undefined): LedgerEntryView {
  const {
    entry = null,
    deviceId = null,
    hostname,
    simulated,
    seq,
    controlId = null,
    kind,
    at,
  } = placed ?? {};
  return {
    index,
    leaf,
    hash: entry === null ? null : hex(nodePrimitives.sha256(Buffer.from(entry))),
    device:
      deviceId === null
        ? null
        : { id: deviceId, hostname: hostname ?? '', simulated: simulated ?? false, seq: seq ?? 0 },
    control: controlId === null ? null : { id: controlId, kind: kind ?? '' },
    at: at?.toISOString() ?? null,
    entry,
  };
}
