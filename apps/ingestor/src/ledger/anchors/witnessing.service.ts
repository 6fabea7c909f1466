import { Injectable, Logger } from '@nestjs/common';
import { parseCheckpoint, parseNote, proveConsistency, verifyNote } from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { TenantDatabase } from '../../database/tenant-database.ts';
import { CheckpointsRepository, type StoredCheckpoint } from '../checkpoints.repository.ts';
import { LogFault } from '../log-fault.ts';
import { TilesRepository } from '../tiles.repository.ts';
import { addCheckpoint } from './add-checkpoint.ts';
import { AnchorsRepository } from './anchors.repository.ts';
import type { Witness } from './witness.ts';

/** Takes an organisation's newest checkpoint to a witness, and keeps the cosignature. */
@Injectable()
export class WitnessingService {
  private readonly logger = new Logger('Witnessing');
  /** What a witness said it cosigned last where that differs from what is stored, by organisation and key. */
  private readonly told = new Map<string, number>();

  constructor(
    private readonly database: TenantDatabase,
    private readonly checkpoints: CheckpointsRepository,
    private readonly tiles: TilesRepository,
    private readonly anchors: AnchorsRepository,
  ) {}

  /**
   * @returns the size that is cosigned now; undefined when there was nothing to cosign
   * @throws LogFault when it cosigned more than there is; Error when it cannot be reached, or refuses
   */
  async cosign(organisationId: string, witness: Witness): Promise<number | undefined> {
    const { name } = witness.key;
    const checkpoint = await this.database.within(organisationId, async (tx) => {
      const newest = await this.checkpoints.find(tx);
      const anchored = await this.anchors.newest(tx, 'witness', name);
      return newest === undefined || anchored?.size === newest.size ? undefined : { newest, anchored };
    });
    if (checkpoint === undefined) return undefined;
    const { newest, anchored } = checkpoint;
    const key = `${organisationId} ${name}`;
    let oldSize = this.told.get(key) ?? anchored?.size ?? 0;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const answer = await this.ask(organisationId, witness, newest, oldSize);
      if (answer.kind === 'cosigned') {
        this.told.delete(key);
        await this.keep(organisationId, witness, newest, answer.lines);
        return newest.size;
      }
      this.requireKnown(answer.size, oldSize, newest, name);
      this.told.set(key, answer.size);
      oldSize = answer.size;
    }
    throw new Error(`${name} cosigned another checkpoint meanwhile`);
  }

  private async ask(
    organisationId: string,
    witness: Witness,
    { size, note }: StoredCheckpoint,
    oldSize: number,
  ) {
    const proof = await this.database.within(organisationId, (tx) =>
      proveConsistency(oldSize, size, (ids) => this.tiles.read(tx, ids), nodePrimitives.sha256),
    );
    return addCheckpoint(witness, { oldSize, proof, note });
  }

  /** A witness that saw more than there is knows of a longer log. */
  private requireKnown(told: number, asked: number, { size }: StoredCheckpoint, name: string): void {
    if (told > size) {
      throw new LogFault({
        code: 'rolled-back',
        index: size,
        detail: `The witness ${name} cosigned ${told} entries, and this log has ${size}.`,
      });
    }
    if (told === asked)
      throw new Error(`${name} refuses the checkpoint: it saw another root of ${told} entries`);
  }

  private async keep(
    organisationId: string,
    { key }: Witness,
    { size, note }: StoredCheckpoint,
    lines: string,
  ): Promise<void> {
    const cosigned = `${note}${lines}`;
    const { text, signedBy } = verifyNote(cosigned, [key], nodePrimitives);
    if (parseCheckpoint(text).size !== size) throw new Error('the witness cosigned another checkpoint');
    const [by] = signedBy;
    const own = parseNote(cosigned).signatures.find(
      (one) => one.name === key.name && Buffer.from(one.keyHash).equals(Buffer.from(key.keyHash)),
    );
    if (own === undefined || by === undefined) throw new Error('the witness did not sign');
    const base64 = Buffer.concat([own.keyHash, own.signature]).toString('base64');
    await this.database.within(organisationId, (tx) =>
      this.anchors.insert(tx, organisationId, {
        kind: 'witness',
        name: key.name,
        size,
        content: Buffer.from(`— ${key.name} ${base64}\n`),
      }),
    );
    this.logger.debug(`${key.name} cosigned ${size} entries`);
  }
}
