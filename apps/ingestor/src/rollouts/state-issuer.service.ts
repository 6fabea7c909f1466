import { Injectable } from '@nestjs/common';
import type { FreezePayload, PolicyPayload } from '@raypher/shared';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { SigningService } from '../keys/signing.service.ts';
import { OutboxRepository } from '../outbox/outbox.repository.ts';
import { RolloutsRepository } from './rollouts.repository.ts';
import { type Staging, StateBundlesRepository } from './state-bundles.repository.ts';

export interface NewState {
  title: string;
  reason: string;
  createdBy: string;
  /** Absent: everybody gets it. */
  staging?: Staging | null;
  /** One payload per audience: a team, or null for everybody without one of their own. */
  audiences: readonly { teamId: string | null; payload: PolicyPayload | FreezePayload }[];
}

/** Turns a decision into signed desired state, a rollout to follow it by, and a nudge. */
@Injectable()
export class StateIssuer {
  constructor(
    private readonly signing: SigningService,
    private readonly bundles: StateBundlesRepository,
    private readonly rollouts: RolloutsRepository,
    private readonly outbox: OutboxRepository,
  ) {}

  /**
   * All in the caller's transaction; afterwards the caller tells the relay to look.
   *
   * @returns the rollout's id.
   */
  async issue(
    tx: TenantTransaction,
    organisationId: string,
    state: NewState,
  ): Promise<{ rolloutId: string; digest: string }> {
    const [first] = state.audiences;
    if (first === undefined) throw new Error('a state without an audience reaches nobody');
    const { kind, revision } = first.payload;
    let digest = '';
    const { staging = null } = state;
    for (const { teamId, payload } of state.audiences) {
      const signed = await this.signing.signBundle(organisationId, payload, tx);
      await this.bundles.insert(tx, organisationId, { kind, revision, teamId, signed, staging });
      if (teamId === null) digest = signed.digest.toString('hex');
    }
    const { title, reason, createdBy } = state;
    const rolloutId = await this.rollouts.open(tx, organisationId, {
      kind,
      revision,
      title,
      reason,
      createdBy,
      stage: staging?.stage ?? null,
    });
    await this.outbox.add(tx, { topic: kind, organisation: organisationId, revision });
    return { rolloutId, digest };
  }
}
