/** Of what may be admitted in a second, so much may come at once; the rest comes evenly. */
const BURST = 0.2;

/**
 * A token bucket for the whole process: a fleet that reconnects at once is let in at a pace we can serve. Burst and pace
 * together make up the setting, so that in no second more than that many come in.
 */
export class Admission {
  private readonly most: number;
  private readonly pace: number;
  private tokens: number;
  private at: number;

  /**
   * @param perSecond streams admitted in any second, at most.
   * @param now milliseconds, monotonic; for tests.
   */
  constructor(
    perSecond: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.most = Math.max(1, perSecond * BURST);
    this.pace = Math.max(perSecond / 2, perSecond - this.most);
    this.tokens = this.most;
    this.at = this.now();
  }

  /**
   * @returns 0 when admitted; otherwise after how many milliseconds to come back. Those who are turned
   *   away are spread over the time the queue in front of them takes, with full jitter.
   */
  admit(random: () => number = Math.random): number {
    const now = this.now();
    this.tokens = Math.min(this.most, this.tokens + ((now - this.at) / 1000) * this.pace);
    this.at = now;
    if (this.tokens >= 1) {
      this.tokens -= 1;
      return 0;
    }
    // Each refusal lengthens the queue that the next one is spread over, up to half a minute of it.
    this.refused = now - this.refusedAt > 5_000 ? 1 : this.refused + 1;
    this.refusedAt = now;
    const queueMs = Math.min(30_000, Math.max(1_000, (this.refused / this.pace) * 1000));
    return Math.ceil(250 + random() * queueMs);
  }

  private refused = 0;
  private refusedAt = 0;
}
