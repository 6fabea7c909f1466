import { type ApplicableLimit, type Period, periodAt } from '@raypher/policy';

/** One counter in one of its periods. */
export interface Account extends Period {
  readonly counter: string;
}

/** What the name of a counter says (`counterOf` of packages/policy writes it). */
export interface CounterName {
  readonly layer: string;
  readonly limit: string;
  readonly per: string;
  readonly scope: string;
  /** Whose it is: a team, user, AI agent, provider or model; null for everybody's, and where it is not known who it is. */
  readonly subject: string | null;
}

export function accountOf({ counter, per, zone }: ApplicableLimit, at: number): Account {
  const { startsAt, endsAt } = periodAt(per, zone, at);
  return { counter, startsAt, endsAt };
}

export function readCounter(counter: string): CounterName {
  const parts: unknown = JSON.parse(counter);
  const [layer, limit, per, scope, subject] = Array.isArray(parts) ? parts.map(String) : [];
  const isNobody = Array.isArray(parts) && parts[4] === null;
  return {
    layer: layer ?? '',
    limit: limit ?? '',
    per: per ?? '',
    scope: scope ?? '',
    subject: isNobody ? null : (subject ?? null),
  };
}
