import type { DatabaseSync } from 'node:sqlite';
import { isSharedByDevices, periodAt, readCounter } from '@raypher/policy';
import type { BudgetReport } from '@raypher/shared';
import type { DueWarning } from '../budgets/budget-store.ts';
import { Budgets } from '../budgets/budgets.ts';
import { LeaseKeeper } from '../budgets/lease-keeper.ts';
import type { Spending } from '../budgets/spending.ts';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import type { LimitInForce } from '../proxy/policy-enforcer.ts';
import type { BudgetStatus } from './budget-status.ts';

interface SpendingPartOptions {
  db: DatabaseSync;
  /** Devices of an organisation share counters; a machine alone does not. */
  isMember: boolean;
  revision: () => number;
  limits: () => readonly LimitInForce[];
  /** @returns false while there is no connection */
  send: (report: BudgetReport) => boolean;
  record: (event: EventDraft) => void;
  failed: (error: unknown) => void;
}

const SWEEP_EVERY_MS = 5 * 60_000;

/** The counters behind the limits of policy, for as long as the service runs. */
export class SpendingPart {
  readonly #options: SpendingPartOptions;
  readonly #budgets: Budgets;
  /** Undefined on a machine that shares nothing. */
  readonly leases: LeaseKeeper | undefined;
  readonly #sweeping: NodeJS.Timeout;

  constructor(options: SpendingPartOptions) {
    const { db, isMember, revision, send, record, failed } = options;
    this.#options = options;
    this.#budgets = new Budgets(db, {
      isShared: (limit) => isMember && isSharedByDevices(limit),
      warned: (warning) => record(warnedEvent(warning)),
      failed,
    });
    this.leases = isMember ? new LeaseKeeper({ budgets: this.#budgets, revision, send }) : undefined;
    this.#sweep();
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_EVERY_MS).unref();
  }

  get spending(): Spending {
    return this.leases ?? this.#budgets;
  }

  /** Every limit in force, with its counters of the present period. */
  status(): BudgetStatus[] {
    const accounts = this.#budgets.accounts();
    const leases = this.#budgets.leases();
    const now = this.#budgets.now();
    return this.#options.limits().map(({ layer, mode, id, per, scope, amount, warnAt, zone }) => {
      const { startsAt, endsAt } = periodAt(per, zone, now);
      const isOwn = (counter: string) => {
        const name = readCounter(counter);
        return name?.layer === layer && name.limit === id && name.per === per && name.scope === scope;
      };
      const own = leases.filter((lease) => lease.startsAt === startsAt && isOwn(lease.counter));
      const used = accounts.filter((account) => account.endsAt > startsAt && isOwn(account.counter));
      return {
        layer,
        mode,
        id,
        per,
        scope,
        amountMicros: amount,
        warnAtMicros: warnAt ?? null,
        resetsAt: per === 'request' ? null : new Date(endsAt).toISOString(),
        shared: this.leases !== undefined && isSharedByDevices({ layer, per, scope }),
        counters: [...new Set([...used, ...own].map(({ counter }) => counter))].map((counter) => {
          const lease = own.find((one) => one.counter === counter);
          const states = used.filter((one) => one.counter === counter);
          return {
            subject: readCounter(counter)?.subject ?? null,
            spentMicros: states.reduce((sum, { spent }) => sum + spent, 0),
            reservedMicros: states.reduce((sum, { reserved }) => sum + reserved, 0),
            lease:
              lease === undefined
                ? null
                : { grantedMicros: lease.granted, until: new Date(lease.until).toISOString() },
          };
        }),
      };
    });
  }

  stop(): void {
    clearInterval(this.#sweeping);
    this.leases?.stop();
  }

  #sweep(): void {
    try {
      this.#budgets.sweep();
    } catch (error) {
      this.#options.failed(error);
    }
  }
}

function warnedEvent({ counter, startsAt, endsAt, spent, reserved, amount, warnAt }: DueWarning): EventDraft {
  const name = readCounter(counter);
  const subject = name?.subject ?? '';
  return {
    type: 'budget.warned',
    severity: 'warning',
    actor: EDGE_AGENT,
    action: 'count spending',
    target: `limit ${name?.limit ?? counter}`,
    data: {
      layer: name?.layer ?? '',
      limit: name?.limit ?? '',
      per: name?.per ?? '',
      scope: name?.scope ?? '',
      ...(subject === '' ? {} : { subject }),
      spentMicros: spent,
      reservedMicros: reserved,
      amountMicros: amount,
      warnAtMicros: warnAt,
      periodStart: new Date(startsAt).toISOString(),
      periodEnd: new Date(endsAt).toISOString(),
    },
  };
}
