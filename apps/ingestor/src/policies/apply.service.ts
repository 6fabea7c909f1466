import { Injectable } from '@nestjs/common';
import {
  type AppliedPolicy,
  type ApplyPolicy,
  type PolicyDocuments,
  type ReplayedPolicy,
  type RunningPolicy,
} from '@raypher/shared/rest';
import type { Principal } from '../auth/principal.ts';
import { PoliciesService } from './policies.service.ts';
import { changesInWords } from './policy-changes.ts';
import { requireDeployable } from './policy-check.ts';
import { isSamePolicy } from './policy-revision.view.ts';
import { requireTestsPass } from './policy-tests.ts';
import { ReplayService } from './replay.service.ts';

const DAY_MS = 86_400_000;
/** Events that a dry run looks at. */
const DRY_RUN_EVENTS = 10_000;

/** Policies that a program takes from a repository: what would change, or the change itself. */
@Injectable()
export class ApplyService {
  constructor(
    private readonly policies: PoliciesService,
    private readonly replays: ReplayService,
  ) {}

  async apply(caller: Principal, input: ApplyPolicy, dryRun: boolean): Promise<AppliedPolicy> {
    const running = await this.policies.running(caller.organisation.id);
    const changes = changesInWords(running.documents, input.documents);
    if (dryRun) return this.preview(caller, input, running, changes);
    const { revision, rolloutId } = await this.policies.apply(caller, input);
    return { changed: rolloutId !== null, dryRun, revision, rolloutId, changes, replay: null };
  }

  private async preview(
    caller: Principal,
    input: ApplyPolicy,
    running: RunningPolicy,
    changes: AppliedPolicy['changes'],
  ): Promise<AppliedPolicy> {
    requireDeployable(input.documents);
    requireTestsPass(input.documents, input.tests, false);
    const changed = running.source === null || !isSamePolicy(running, input);
    const replay = changed ? await this.lastWeek(caller, input.documents) : null;
    return { changed, dryRun: true, revision: running.revision, rolloutId: null, changes, replay };
  }

  private lastWeek(caller: Principal, documents: PolicyDocuments): Promise<ReplayedPolicy> {
    const now = Date.now();
    return this.replays.replay(caller, {
      documents,
      from: new Date(now - 7 * DAY_MS).toISOString(),
      to: new Date(now).toISOString(),
      limit: DRY_RUN_EVENTS,
      assumeEnforced: false,
    });
  }
}
