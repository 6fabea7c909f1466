import { Injectable } from '@nestjs/common';
import {
  type Checkpoint,
  formatCheckpoint,
  parseCheckpoint,
  proveConsistency,
  signNote,
  type VerifierKey,
  verifyConsistency,
  verifyNote,
} from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { OrganisationKeysService } from '../keys/organisation-keys.service.ts';
import { CheckpointMemory } from './checkpoint-memory.ts';
import { CheckpointsRepository, type StoredCheckpoint } from './checkpoints.repository.ts';
import { LedgerAlarm } from './ledger-alarm.service.ts';
import { LogFault } from './log-fault.ts';
import { logKeyOf } from './log-key.ts';
import { LogsRepository, type StoredLog } from './logs.repository.ts';
import { TilesRepository } from './tiles.repository.ts';

/** A log that grows all the time is signed this often. A round runs about every second, so nothing waits for 5 s. */
const EVERY_MS = 2_000;

/**
 * Signs how far the log has come. It never signs what would contradict a checkpoint that it knows of: the newest in the
 * database, the one that this installation remembers outside of it, and the one that this process signed last.
 */
@Injectable()
export class CheckpointSigningService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly logs: LogsRepository,
    private readonly tiles: TilesRepository,
    private readonly checkpoints: CheckpointsRepository,
    private readonly memory: CheckpointMemory,
    private readonly keys: OrganisationKeysService,
    private readonly alarm: LedgerAlarm,
  ) {}

  /**
   * @returns the new checkpoint, when the log has grown and it is time.
   * @throws LogFault when the log is shorter than, or another than, what was signed before.
   */
  sign(organisationId: string, now = Date.now()): Promise<StoredCheckpoint | undefined> {
    return this.database.within(organisationId, async (tx) => {
      const log = await this.logs.take(tx);
      if (log?.key === undefined || log.frontier.size === 0) return undefined;
      const newest = await this.checkpoints.find(tx);
      const { size } = log.frontier;
      // The database's clock may be ahead of ours, or what it says be made up: that is no reason to wait.
      const age = newest === undefined ? EVERY_MS : Math.abs(now - newest.at.getTime());
      if (newest !== undefined && newest.size <= size && age < EVERY_MS) return undefined;
      await this.requireGrowth(tx, organisationId, log, newest);
      if (newest?.size === size) return undefined;
      await this.sayRenamed(tx, organisationId, log);
      return this.issue(tx, organisationId, log);
    });
  }

  /** @throws LogFault unless the stored log goes on from everything that is known to have been signed. */
  async requireGrowth(
    tx: TenantTransaction,
    organisationId: string,
    log: StoredLog,
    newest: StoredCheckpoint | undefined,
  ): Promise<void> {
    const { key } = logKeyOf(log);
    const known = newest === undefined ? [] : [newest];
    const remembered = (await this.memory.recall(organisationId)).flatMap((note) => readNote(note, log, key));
    for (const { size, root } of [...known, ...remembered])
      await this.requireConsistency(tx, log, size, root);
  }

  /** A log goes on under another name when a person says so here. Whoever can write to the database could say it, too. */
  private async sayRenamed(
    tx: TenantTransaction,
    organisationId: string,
    { origin }: StoredLog,
  ): Promise<void> {
    for (const note of await this.memory.recall(organisationId)) {
      if (note.startsWith(`${origin}\n`) || (await this.memory.isGivenUp(organisationId, note))) continue;
      const [before = ''] = note.split('\n');
      await this.alarm.renamed(tx, organisationId, { before, after: origin, note });
    }
  }

  private async requireConsistency(
    tx: TenantTransaction,
    { frontier }: StoredLog,
    from: number,
    fromRoot: Uint8Array,
  ): Promise<void> {
    const to = frontier.size;
    if (from > to) {
      throw new LogFault({
        code: 'rolled-back',
        index: to,
        detail: `The log has ${to} entries, and a checkpoint of ${from} was signed.`,
      });
    }
    const { sha256 } = nodePrimitives;
    const toRoot = frontier.root(sha256);
    const proof = await proveConsistency(from, to, (ids) => this.tiles.read(tx, ids), sha256).catch(
      () => undefined,
    );
    if (proof === undefined || !verifyConsistency({ from, to, proof, fromRoot, toRoot }, sha256)) {
      throw new LogFault({
        code: 'forked',
        index: from - 1,
        detail: `The log of ${to} entries does not begin with the ${from} that were signed before.`,
      });
    }
  }

  private async issue(
    tx: TenantTransaction,
    organisationId: string,
    log: StoredLog,
  ): Promise<StoredCheckpoint> {
    const { key } = logKeyOf(log);
    const signer = await this.keys.logSigner(tx, organisationId, key.publicKey);
    const { size } = log.frontier;
    const root = log.frontier.root(nodePrimitives.sha256);
    const text = formatCheckpoint({ origin: log.origin, size, root });
    const sign = (bytes: Uint8Array) => signer.sign(bytes);
    const note = await signNote(text, [{ name: key.name, keyHash: key.keyHash, sign }]);
    // First: what was signed is remembered even if the transaction is not.
    await this.memory.remember(organisationId, note);
    await this.checkpoints.insert(tx, organisationId, { size, root, note });
    return { size, root, note, at: new Date() };
  }
}

/** A remembered checkpoint of this log; none for a log of before, which was given up with a reason. */
function readNote(note: string, { origin }: StoredLog, key: VerifierKey): Checkpoint[] {
  try {
    if (note.startsWith(`${origin}\n`))
      return [parseCheckpoint(verifyNote(note, [key], nodePrimitives).text)];
  } catch {
    throw new LogFault({
      code: 'rolled-back',
      detail:
        'The checkpoint that this installation remembers was not signed by the key that the log has now.',
    });
  }
  return [];
}
