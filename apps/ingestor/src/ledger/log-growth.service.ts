import { Injectable } from '@nestjs/common';
import {
  appendControlEntry,
  extendTiles,
  type Frontier,
  leafHash,
  partialTilesOf,
  type TileId,
} from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { z } from 'zod';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { LogFault } from './log-fault.ts';
import { LogOpeningService } from './log-opening.service.ts';
import { LogsRepository, type StoredLog, type WaitingBatch, type WaitingControl } from './logs.repository.ts';
import { TilesRepository } from './tiles.repository.ts';

const HASH_BYTES = 32;
const Members = z.record(z.string(), z.unknown());
/** Leaves of batches in one transaction: a round of this size holds up the event loop for a few hundredths of a second. */
const LEAVES_AT_ONCE = 16_384;
const CONTROL_AT_ONCE = 1_000;

/** Gives what waits its place in the log. What a round costs depends on what is new, not on the size of the log. */
@Injectable()
export class LogGrowthService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly logs: LogsRepository,
    private readonly tiles: TilesRepository,
    private readonly opening: LogOpeningService,
  ) {}

  /**
   * One transaction: several processes may call it at once, and one of them does the work.
   *
   * @returns how many leaves were added, and whether more may wait.
   */
  grow(organisationId: string): Promise<{ added: number; more: boolean }> {
    return this.database.within(organisationId, async (tx) => {
      const log = await this.opening.takeOrOpen(tx, organisationId);
      if (log === undefined) return { added: 0, more: false };
      if (log.control.id === 0) {
        // The only entries that no device need have signed are those before the first of the control plane.
        const early = await this.logs.waitingBatches(tx, LEAVES_AT_ONCE, 'unsigned');
        if (early.length > 0) return this.placeEarly(tx, organisationId, log, early);
      }
      // In this order: the key of a device was there before what it signed, so it gets its place before.
      const waiting = await this.logs.waitingBatches(tx, LEAVES_AT_ONCE);
      const control = await this.logs.waitingControl(tx, CONTROL_AT_ONCE);
      const batches = control.length < CONTROL_AT_ONCE ? waiting : [];
      const first = log.frontier.size;
      const entries = await this.placeControl(tx, organisationId, log, control);
      const leaves = [...entries.leaves, ...(await this.placeBatches(tx, first + control.length, batches))];
      if (leaves.length === 0) return { added: 0, more: false };
      const frontier = await this.extend(tx, organisationId, log.frontier, leaves);
      await this.logs.advance(tx, organisationId, { frontier, control: entries.head });
      return {
        added: leaves.length,
        more: control.length === CONTROL_AT_ONCE || leaves.length - control.length >= LEAVES_AT_ONCE,
      };
    });
  }

  /** What was in the database before batches were kept with their signatures. */
  private async placeEarly(
    tx: TenantTransaction,
    organisationId: string,
    { frontier: before, control }: StoredLog,
    early: readonly WaitingBatch[],
  ): Promise<{ added: number; more: boolean }> {
    const leaves = await this.placeBatches(tx, before.size, early);
    const frontier = await this.extend(tx, organisationId, before, leaves);
    await this.logs.advance(tx, organisationId, { frontier, control });
    return { added: leaves.length, more: true };
  }

  private async placeControl(
    tx: TenantTransaction,
    organisation: string,
    { frontier, control: head }: StoredLog,
    waiting: readonly WaitingControl[],
  ): Promise<{ leaves: Uint8Array[]; head: StoredLog['control'] }> {
    const { sha256 } = nodePrimitives;
    let end = head;
    const leaves: Uint8Array[] = [];
    const placed = waiting.map(({ arrival, kind, at, body, commitment }, offset) => {
      const entry = appendControlEntry(end, {
        ...Members.parse(body),
        organisation,
        at: at.toISOString(),
        kind,
        ...(commitment === null ? {} : { private: Buffer.from(commitment).toString('hex') }),
      });
      end = entry.head;
      leaves.push(leafHash(entry.bytes, sha256));
      const text = Buffer.from(entry.bytes).toString('utf8');
      return { arrival, ...end, entry: text, leafIndex: frontier.size + offset };
    });
    if (placed.length > 0) await this.logs.placeControl(tx, placed);
    return { leaves, head: end };
  }

  private async placeBatches(
    tx: TenantTransaction,
    first: number,
    waiting: readonly WaitingBatch[],
  ): Promise<Uint8Array[]> {
    const leaves: Uint8Array[] = [];
    const placed = waiting.map(({ arrival, count, leafHashes }) => {
      const firstIndex = first + leaves.length;
      for (let at = 0; at < count; at += 1) {
        leaves.push(leafHashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
      }
      return { arrival, firstIndex };
    });
    if (placed.length > 0) await this.logs.placeBatches(tx, placed);
    return leaves;
  }

  /** @throws LogFault when the tiles are not those of the frontier: what is added would hide what was changed. */
  private async extend(
    tx: TenantTransaction,
    organisationId: string,
    before: Frontier,
    leaves: readonly Uint8Array[],
  ): Promise<Frontier> {
    const { size } = before;
    const { sha256 } = nodePrimitives;
    const edge = partialTilesOf(size);
    const read = await this.tiles.read(tx, edge);
    const stored = new Map(edge.map(({ level }, at) => [level, read[at] ?? new Uint8Array()]));
    const readTile = async ({ level }: TileId) => stored.get(level) ?? new Uint8Array();
    const unchanged = await extendTiles({ size, leaves: [], readTile, sha256 }).catch(() => undefined);
    if (unchanged === undefined || !isSameFrontier(unchanged.frontier, before)) {
      throw new LogFault({
        code: 'frontier-mismatch',
        index: size,
        detail: `The tiles at the end of the log are not those of its ${size} entries.`,
      });
    }
    const { frontier, tiles } = await extendTiles({ size, leaves, readTile, sha256 });
    await this.tiles.write(tx, organisationId, tiles);
    return frontier;
  }
}

function isSameFrontier(left: Frontier, right: Frontier): boolean {
  return left.size === right.size && Buffer.concat(left.hashes).equals(Buffer.concat(right.hashes));
}
