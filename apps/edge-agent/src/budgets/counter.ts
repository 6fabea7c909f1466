import { type ApplicableLimit, type Period, periodAt } from '@raypher/policy';

/** One counter in one of its periods. */
export interface Account extends Period {
  readonly counter: string;
}

export function accountOf({ counter, per, zone }: ApplicableLimit, at: number): Account {
  const { startsAt, endsAt } = periodAt(per, zone, at);
  return { counter, startsAt, endsAt };
}
