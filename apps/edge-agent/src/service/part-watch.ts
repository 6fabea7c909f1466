import type { PartHealth } from './supervisor.ts';

/** A part that has been down for this long is beyond what starting it again within the process can mend. */
const GIVE_UP_MS = 120_000;

/** Says whether the parts of the service are healthy enough to go on with this process. */
export class PartWatch {
  readonly #downSince = new Map<string, number>();

  /**
   * A part that just failed is being started again by its supervisor: that is health. One that stays down is not,
   * and a new process may do better. Two minutes keep a port that somebody else holds from turning into a loop
   * that systemd's start limit ends for good.
   *
   * @param now milliseconds of a clock that only goes forward
   */
  isHealthy(parts: readonly PartHealth[], now: number): boolean {
    let healthy = true;
    for (const { name, state } of parts) {
      if (state === 'running') {
        this.#downSince.delete(name);
        continue;
      }
      const since = this.#downSince.get(name) ?? now;
      this.#downSince.set(name, since);
      if (now - since >= GIVE_UP_MS) healthy = false;
    }
    return healthy;
  }
}
