import type { DatabaseSync } from 'node:sqlite';
import {
  type ApplicableLimit,
  compilePolicy,
  decide,
  limitsFor,
  type ModelCallRequest,
  type PolicySnapshot,
  parsePolicy,
  type Verdict,
} from '@raypher/policy';
import { Budgets, type BudgetsOptions } from './budgets.ts';
import type { Hold } from './spending.ts';

/** A limit of a document; dollars in micro-dollars, so that tests count whole numbers. */
export interface LimitOfTest {
  id?: string;
  scope?: ApplicableLimit['scope'];
  per?: ApplicableLimit['per'];
  micros?: number;
  warn_at?: number;
  effect?: 'deny' | 'prompt';
  models?: string[];
}

export interface CallOfTest {
  agent?: string;
  user?: string;
  provider?: string;
  model?: string | null;
}

export function snapshotOf(limits: readonly LimitOfTest[], zone = 'UTC', mode = 'enforce'): PolicySnapshot {
  const document = {
    apiVersion: 'raypher/v1',
    mode,
    timezone: zone,
    financial: {
      limits: limits.map(({ micros = 1_000, ...more }) => ({
        id: 'all-day',
        scope: 'organisation',
        per: 'day',
        ...more,
        amount: micros / 1e6,
      })),
    },
  };
  const parsed = parsePolicy(JSON.stringify(document), { layer: 'global' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return compilePolicy({ revision: 1, layers: [parsed] });
}

export type Answer = { verdict: Verdict; limits: ApplicableLimit[]; hold: Hold | undefined };

/** What the proxy does with a call, in one turn: limits, balances, verdict, hold. */
export class Pipeline {
  readonly budgets: Budgets;
  snapshot: PolicySnapshot;

  constructor(db: DatabaseSync, snapshot: PolicySnapshot, options: BudgetsOptions) {
    this.budgets = new Budgets(db, options);
    this.snapshot = snapshot;
  }

  request({ agent = 'bot', user = 'kim', provider = 'openai', model = 'gpt-5' }: CallOfTest = {}) {
    return {
      action: 'model.call',
      host: 'api.openai.com',
      port: 443,
      provider,
      model,
      agent: { id: agent, name: agent, user, libraries: [] },
    } as const satisfies ModelCallRequest;
  }

  limits(call?: CallOfTest): ApplicableLimit[] {
    return limitsFor(this.snapshot, this.request(call));
  }

  ask(cost: number, call?: CallOfTest): Answer {
    const request = this.request(call);
    const limits = limitsFor(this.snapshot, request);
    const balances = this.budgets.balancesOf(limits);
    const verdict = decide(this.snapshot, { ...request, cost, balances });
    const isAllowed = verdict.effective.outcome === 'ALLOW';
    return { verdict, limits, hold: isAllowed ? this.budgets.hold(limits, cost) : undefined };
  }

  /** Asks, and pays at once. @returns whether it was allowed */
  spend(cost: number, call?: CallOfTest): boolean {
    const { hold } = this.ask(cost, call);
    hold?.settle(cost);
    return hold !== undefined;
  }

  /** @throws when it is refused */
  hold(cost: number, call?: CallOfTest): Hold {
    const { hold, verdict } = this.ask(cost, call);
    if (hold === undefined) throw new Error(verdict.reason);
    return hold;
  }

  /** Of the first limit that binds the call, or the one with this id. */
  balance(call?: CallOfTest, id?: string) {
    const limit = this.limits(call).find((one) => id === undefined || one.id === id);
    return limit === undefined ? undefined : this.budgets.balancesOf([limit])[limit.counter];
  }
}
