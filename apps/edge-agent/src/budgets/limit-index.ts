import { RaypherError } from '@raypher/shared';
import { type BudgetedCall, BudgetLimit, type BudgetScope, type BudgetWindow } from './budget-limit.ts';
import { type TimeSpan, WindowClock } from './budget-window.ts';

/** A limit as it applies to one call. */
export interface ApplyingLimit {
  readonly limit: BudgetLimit;
  /** Whose budget it is; empty where the scope is everything, or where it is not known who it is. */
  readonly subject: string;
}

/** Finds the limits of a call without walking through all of them. */
export class LimitIndex {
  readonly #byKey = new Map<string, BudgetLimit[]>();
  readonly #byId = new Map<string, BudgetLimit>();
  readonly #clocks = new Map<string, WindowClock>();
  readonly #scopes: readonly BudgetScope[];

  /** @throws RaypherError for limits that are not valid, or two of one id */
  constructor(limits: readonly unknown[]) {
    for (const given of limits) {
      const parsed = BudgetLimit.safeParse(given);
      if (!parsed.success) {
        throw new RaypherError('config/invalid', 'A budget is not valid.', { cause: parsed.error });
      }
      this.#add(parsed.data);
    }
    this.#scopes = [...new Set([...this.#byId.values()].map(({ scope }) => scope))];
  }

  of(id: string): BudgetLimit | undefined {
    return this.#byId.get(id);
  }

  applyingTo(call: BudgetedCall): ApplyingLimit[] {
    return this.#scopes.flatMap((scope) => {
      // Who is not known shares the budget of all who are not known: that is no way around it.
      const subject = scope === 'all' ? '' : (call[scope] ?? '');
      const own = subject === '' ? [] : (this.#byKey.get(`${scope} =${subject}`) ?? []);
      const each = this.#byKey.get(`${scope} *`) ?? [];
      return [...own, ...each].map((limit) => ({ limit, subject }));
    });
  }

  windowAt({ window, zone }: { window: BudgetWindow; zone: string }, at: number): TimeSpan {
    let clock = this.#clocks.get(zone);
    if (clock === undefined) {
      clock = new WindowClock(zone);
      this.#clocks.set(zone, clock);
    }
    return clock.windowAt(window, at);
  }

  #add(limit: BudgetLimit): void {
    if (this.#byId.has(limit.id)) {
      throw new RaypherError('config/invalid', `Two budgets have the id "${limit.id}".`);
    }
    this.#byId.set(limit.id, limit);
    const isEach = limit.scope === 'all' || limit.key === '*';
    const key = isEach ? `${limit.scope} *` : `${limit.scope} =${limit.key}`;
    this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), limit]);
  }
}
