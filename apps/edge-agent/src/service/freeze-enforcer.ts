import { randomUUID } from 'node:crypto';
import {
  type ActiveFreeze,
  describeSelector,
  type FreezePayload,
  type FreezeSelector,
  RaypherError,
} from '@raypher/shared';
import type { EventDraft } from '../ledger/event-draft.ts';
import { EDGE_AGENT } from '../ledger/event-draft.ts';
import type { FreezeReport, FreezeResult, Freezer } from '../response/freeze.ts';
import type { ProcessRef } from '../response/tree.ts';
import type { LocalFreezes } from '../store/local-freezes.ts';
import type { AppliedState, Enforcer, VerifiedState } from '../uplink/enforcer.ts';

/** Trees that fork while they are frozen are given this long until they stand still. */
const SETTLE_MS = 4000;

/** Joins the freezes of the organisation with those of this machine and keeps the record of what they did. */
export class FreezeEnforcer implements Enforcer<FreezePayload> {
  readonly kind = 'freeze';
  readonly #freezer: Freezer;
  readonly #local: LocalFreezes;
  readonly #record: (event: EventDraft) => void;
  #remote: { state: AppliedState; freezes: readonly ActiveFreeze[] } | undefined;

  constructor(freezer: Freezer, local: LocalFreezes, record: (event: EventDraft) => void) {
    this.#freezer = freezer;
    this.#local = local;
    this.#record = record;
  }

  async apply({ revision, digest, payload }: VerifiedState<FreezePayload>): Promise<number> {
    const before = this.#remote;
    // In place before the processes are touched, so that a sweep in between works on the new set.
    this.#remote = { state: { revision, digest }, freezes: payload.freezes };
    try {
      return (await this.#enforce()).processes;
    } catch (error) {
      this.#remote = before;
      throw error;
    }
  }

  current(): AppliedState | undefined {
    return this.#remote?.state;
  }

  /**
   * The team that the organisation's freezes are addressed to. The control plane sends a team's freezes to the
   * devices of that team alone, so a device need not be told which team it is in.
   */
  get team(): string | undefined {
    for (const { selector } of this.#remote?.freezes ?? [])
      if (selector.kind === 'team') return selector.team;
    return undefined;
  }

  /** Suspended processes. */
  get held(): number {
    return this.#freezer.held.processes;
  }

  /** Processes that one freeze holds. */
  heldBy(freeze: string): ProcessRef[] {
    return this.#freezer.heldBy(freeze);
  }

  list(): (ActiveFreeze & { origin: 'organisation' | 'local' })[] {
    const organisation = (this.#remote?.freezes ?? []).map((freeze) => ({
      ...freeze,
      origin: 'organisation' as const,
    }));
    return [
      ...organisation,
      ...this.#local.list().map((freeze) => ({ ...freeze, origin: 'local' as const })),
    ];
  }

  /** Takes up the freezes of this machine after a start; those of the organisation come through `apply`. */
  async resume(): Promise<void> {
    await this.#enforce();
  }

  /** Freezes what has come to match since the last time. @returns whether anything changed */
  async sweep(): Promise<boolean> {
    const report = await this.#freezer.sweep();
    this.#recordResults(report);
    return report.frozen > 0 || report.thawed > 0;
  }

  /**
   * @param id of the freeze, for one that may be asked for twice
   * @returns the id of the freeze and how many processes it suspended
   */
  async freeze(
    selector: FreezeSelector,
    reason: string,
    by: string,
    id: string = randomUUID(),
  ): Promise<{ id: string; frozen: number }> {
    const freeze: ActiveFreeze = { id, selector, reason, by, since: new Date().toISOString() };
    this.#local.add(freeze);
    const report = await this.#enforce();
    this.#record(this.#order('freeze', freeze, by, report.frozen));
    return { id: freeze.id, frozen: report.frozen };
  }

  /**
   * Lifts one freeze of this machine, or all of them.
   *
   * @throws RaypherError `request/not-found`
   */
  async thaw(
    id: string | undefined,
    by: string,
  ): Promise<{ removed: number; thawed: number; stillFrozen: number }> {
    const lifted = this.#local.list().filter((freeze) => id === undefined || freeze.id === id);
    if (id !== undefined && lifted.length === 0) {
      throw new RaypherError('request/not-found', `This machine has no freeze ${id}.`, {
        hint: 'Freezes of the organisation are lifted in the control plane.',
      });
    }
    for (const freeze of lifted) this.#local.remove(freeze.id);
    const report = await this.#enforce();
    for (const freeze of lifted) this.#record(this.#order('thaw', freeze, by, report.thawed));
    return { removed: lifted.length, thawed: report.thawed, stillFrozen: report.processes };
  }

  async #enforce(): Promise<FreezeReport> {
    const freezes = [...(this.#remote?.freezes ?? []), ...this.#local.list()];
    const deadline = performance.now() + SETTLE_MS;
    let report = await this.#freezer.apply(freezes);
    this.#recordResults(report);
    let { frozen, thawed } = report;
    while (!report.complete && performance.now() < deadline) {
      report = await this.#freezer.sweep();
      this.#recordResults(report);
      frozen += report.frozen;
      thawed += report.thawed;
    }
    return { ...report, frozen, thawed };
  }

  #recordResults(report: FreezeReport): void {
    const groups = Map.groupBy(report.results, ({ target, outcome }) => `${outcome} ${target}`);
    for (const results of groups.values()) {
      const [first] = results;
      if (first !== undefined) this.#record(resultEvent(first, results, report.evidence[first.target] ?? []));
    }
  }

  #order(action: 'freeze' | 'thaw', freeze: ActiveFreeze, by: string, processes: number): EventDraft {
    return {
      type: 'freeze.applied',
      severity: 'notice',
      actor: { kind: 'user', id: by, name: by },
      action: `${action} on this machine`,
      target: describeSelector(freeze.selector),
      data: { freeze: freeze.id, reason: freeze.reason, processes },
    };
  }
}

const ACTIONS: Record<FreezeResult['outcome'], string> = {
  frozen: 'freeze',
  thawed: 'thaw',
  refused: 'spare',
  failed: 'fail to freeze',
};

function resultEvent(first: FreezeResult, results: readonly FreezeResult[], evidence: string[]): EventDraft {
  const isTrouble = first.outcome === 'failed' || first.outcome === 'refused';
  return {
    type: first.outcome === 'thawed' ? 'freeze.thawed' : 'freeze.frozen',
    severity: first.outcome === 'failed' ? 'critical' : isTrouble ? 'warning' : 'notice',
    actor: EDGE_AGENT,
    action: ACTIONS[first.outcome],
    target: first.label,
    data: {
      target: first.target,
      outcome: first.outcome,
      processes: results.length,
      pids: results.map(({ pid, name }) => `${pid} ${name}`),
      detail: first.detail,
      evidence,
    },
  };
}
