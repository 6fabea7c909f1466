import { Injectable } from '@nestjs/common';
import type { StateSlot } from '@raypher/shared';
import type { PolicyStage } from '@raypher/shared/rest';
import { LRUCache } from 'lru-cache';
import type { StateKind } from '../link/device-stream.ts';
import { encode } from '../link/wire.ts';
import { isInStage, readStage, type StagedDevice } from '../rollouts/stage-membership.ts';
import { type BundleRow, StateBundlesRepository } from './state-bundles.repository.ts';

/** One bundle, ready to be sent to every device it is for. */
export interface ReadyBundle {
  kind: StateKind;
  revision: bigint;
  /** Hex. */
  digest: string;
  slot: StateSlot;
  /** The DesiredState message with this slot alone, encoded once. */
  frame: Buffer;
}

/** The newest state of one organisation. */
export class DesiredBundles {
  private readonly bundles = new Map<string, ReadyBundle>();
  /** Of a revision that some devices get first. */
  private readonly staged = new Map<string, ReadyBundle>();
  private readonly stages = new Map<StateKind, PolicyStage>();
  readonly revisions: Record<StateKind, bigint> = { policy: 0n, freeze: 0n };

  constructor(rows: readonly BundleRow[]) {
    for (const row of rows) {
      const bundle = toReady(row);
      const stage = readStage(row.stage);
      if (stage !== null) this.stages.set(row.kind, stage);
      (stage === null ? this.bundles : this.staged).set(nameOf(row.kind, row.teamId), bundle);
      if (bundle.revision > this.revisions[row.kind]) this.revisions[row.kind] = bundle.revision;
    }
  }

  /** What a device gets: its team's bundle, else the general one; of a stage, when it is in it. */
  for(kind: StateKind, device: StagedDevice): ReadyBundle | undefined {
    const stage = this.stages.get(kind);
    const bundles = stage !== undefined && isInStage(stage, device) ? this.staged : this.bundles;
    return bundles.get(nameOf(kind, device.teamId)) ?? bundles.get(nameOf(kind, null));
  }
}

/** Organisations with open streams on one process are few; bundles of the others are read again when needed. */
const KEPT = 1_000;

/** Reads each organisation's newest bundles once, however many streams want them. */
@Injectable()
export class BundleCache {
  private readonly loaded = new LRUCache<string, DesiredBundles>({ max: KEPT });
  private readonly loading = new Map<string, Promise<DesiredBundles>>();

  constructor(private readonly repository: StateBundlesRepository) {}

  /** What is known now, without asking the database. */
  peek(organisationId: string): DesiredBundles | undefined {
    return this.loaded.get(organisationId);
  }

  async get(organisationId: string): Promise<DesiredBundles> {
    return this.loaded.get(organisationId) ?? this.load(organisationId);
  }

  /** Reads again unless this revision is known already. */
  async atLeast(organisationId: string, kind: StateKind, revision: bigint): Promise<DesiredBundles> {
    const known = this.loaded.get(organisationId);
    if (known !== undefined && known.revisions[kind] >= revision) return known;
    // A reading that is under way may have begun before the new revision was committed.
    await this.loading.get(organisationId)?.catch(() => undefined);
    const meanwhile = this.loaded.get(organisationId);
    if (meanwhile !== undefined && meanwhile.revisions[kind] >= revision) return meanwhile;
    return this.load(organisationId);
  }

  private load(organisationId: string): Promise<DesiredBundles> {
    const underWay = this.loading.get(organisationId);
    if (underWay !== undefined) return underWay;
    const reading = this.repository
      .newest(organisationId)
      .then((rows) => {
        const bundles = new DesiredBundles(rows);
        this.loaded.set(organisationId, bundles);
        return bundles;
      })
      .finally(() => this.loading.delete(organisationId));
    this.loading.set(organisationId, reading);
    return reading;
  }
}

function nameOf(kind: StateKind, teamId: string | null): string {
  return `${kind}/${teamId ?? ''}`;
}

function toReady(row: BundleRow): ReadyBundle {
  const revision = BigInt(row.revision);
  const slot: StateSlot = {
    revision,
    digest: row.digest,
    bundle: { payload: row.payload, signature: row.signature, keyId: row.keyId },
  };
  const state = { policy: undefined, freeze: undefined, [row.kind]: slot };
  return {
    kind: row.kind,
    revision,
    digest: row.digest.toString('hex'),
    slot,
    frame: encode({ $case: 'desired', value: state }),
  };
}
