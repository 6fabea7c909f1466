const WINDOW = 1_000;

interface Spent {
  /** When the running window began, milliseconds. */
  since: number;
  /** Milliseconds of work in it. */
  ms: number;
}

/**
 * How much of each second is worked for one user at most. Whoever sends more waits for the next second, on all of
 * its connections together, and keeps nobody else waiting.
 */
export class UserShare {
  readonly #most: number;
  readonly #spent = new Map<number, Spent>();

  /** @param most milliseconds of work in a second */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Counts work that was done for a user.
   *
   * @param now milliseconds, of a clock that never goes back
   * @returns milliseconds to wait before the next; 0 when there is something left
   */
  spend(uid: number, ms: number, now: number): number {
    const spent = this.#current(uid, now);
    spent.ms += ms;
    return this.left(uid, now);
  }

  /** Milliseconds until work for this user may go on; 0: now. */
  left(uid: number, now: number): number {
    const { since, ms } = this.#current(uid, now);
    return ms < this.#most ? 0 : since + WINDOW - now;
  }

  #current(uid: number, now: number): Spent {
    const known = this.#spent.get(uid);
    if (known !== undefined && now - known.since < WINDOW) return known;
    for (const [user, { since }] of this.#spent) if (now - since >= WINDOW) this.#spent.delete(user);
    const fresh = { since: now, ms: 0 };
    this.#spent.set(uid, fresh);
    return fresh;
  }
}
