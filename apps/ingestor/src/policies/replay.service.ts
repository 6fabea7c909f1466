import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { PolicyDocuments, type ReplayedPolicy, type ReplayPolicy } from '@raypher/shared/rest';
import type { Principal } from '../auth/principal.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { PoliciesRepository } from './policies.repository.ts';
import { requireDeployable } from './policy-check.ts';
import { ReplayRepository } from './replay.repository.ts';
import { ReplayTally } from './replay-tally.ts';

/** Events per query; between two of them other requests have their turn. */
const BATCH = 500;
/** A replay takes no longer, milliseconds; what it has seen by then is its answer. */
const MAX_MS = 10_000;

/** What documents would have changed, by deciding recorded requests again. */
@Injectable()
export class ReplayService {
  /** One at a time for an organisation: it is work. */
  private readonly running = new Set<string>();

  constructor(
    private readonly database: TenantDatabase,
    private readonly policies: PoliciesRepository,
    private readonly repository: ReplayRepository,
  ) {}

  /**
   * Examples are for those alone who may read events.
   *
   * @throws RaypherError `request/rate-limited` while another replay of the organisation runs.
   */
  async replay(caller: Principal, input: ReplayPolicy): Promise<ReplayedPolicy> {
    requireDeployable(input.documents);
    const organisationId = caller.organisation.id;
    if (this.running.has(organisationId)) {
      throw new RaypherError('request/rate-limited', 'Another replay of this organisation is running.', {
        hint: `It takes at most ${MAX_MS / 1_000} seconds. Try again after it.`,
      });
    }
    this.running.add(organisationId);
    try {
      const replayed = await this.read(organisationId, input);
      if (caller.permissions.has('events:read')) return replayed;
      return { ...replayed, changes: replayed.changes.map((change) => ({ ...change, examples: [] })) };
    } finally {
      this.running.delete(organisationId);
    }
  }

  private async read(organisationId: string, input: ReplayPolicy): Promise<ReplayedPolicy> {
    const running = await this.database.within(organisationId, (tx) => this.policies.running(tx));
    const before = running === null ? [] : PolicyDocuments.parse(running.documents);
    const tally = new ReplayTally({ before, after: input.documents }, input.assumeEnforced);
    const until = performance.now() + MAX_MS;
    let left = input.limit;
    let position: bigint | undefined;
    while (left > 0) {
      const size = Math.min(BATCH, left);
      const rows = await this.repository.batch(organisationId, input, position, size);
      for (const row of rows) tally.add(row);
      position = rows.at(-1)?.position;
      left -= rows.length;
      if (rows.length < size) return tally.result(null);
      if (performance.now() > until) return tally.result('time');
      await setImmediate();
    }
    const more = await this.repository.batch(organisationId, input, position, 1);
    return tally.result(more.length === 0 ? null : 'limit');
  }
}
