import { type ApplicableLimit, type Balance, periodAt } from '@raypher/policy';

/** What one simulated device has spent against each limit that binds it. Nobody lends it a share of one. */
export class SimulatedSpending {
  readonly #counters = new Map<string, { startsAt: number; spent: number }>();

  /** @param at milliseconds since the epoch */
  balanceOf({ counter, per, zone }: ApplicableLimit, at: number): Balance {
    const known = this.#counters.get(counter);
    const isCurrent = known?.startsAt === periodAt(per, zone, at).startsAt;
    return { spent: isCurrent ? known.spent : 0, reserved: 0 };
  }

  /** @param micros micro-dollars */
  charge(limits: readonly ApplicableLimit[], micros: number, at: number): void {
    for (const limit of limits) {
      const { startsAt } = periodAt(limit.per, limit.zone, at);
      const { spent } = this.balanceOf(limit, at);
      this.#counters.set(limit.counter, { startsAt, spent: spent + micros });
    }
  }
}
