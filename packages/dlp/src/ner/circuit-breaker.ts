export interface CircuitBreakerOptions {
  /** Failures in a row after which nothing is tried for a while. */
  failures: number;
  /** How long that is, ms. */
  restMs: number;
  /** Milliseconds from a monotonic clock. */
  now: () => number;
}

/** Keeps a service that fails from making every call wait for it. */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #failures = 0;
  #closedUntil = Number.NEGATIVE_INFINITY;
  #probing = false;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  /** `open`: not tried; `probing`: one call finds out whether it works again. */
  get state(): 'closed' | 'open' | 'probing' {
    if (this.#failures < this.#options.failures) return 'closed';
    return this.#options.now() < this.#closedUntil || this.#probing ? 'open' : 'probing';
  }

  /** @throws CircuitOpenError without calling; else what the call throws */
  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    const state = this.state;
    if (state === 'open')
      throw new CircuitOpenError('The service failed several times in a row; it is not asked for now.');
    if (state === 'probing') this.#probing = true;
    try {
      const result = await call();
      this.#failures = 0;
      return result;
    } catch (error) {
      this.#failures++;
      this.#closedUntil = this.#options.now() + this.#options.restMs;
      throw error;
    } finally {
      if (state === 'probing') this.#probing = false;
    }
  }
}

/** The breaker is open. */
export class CircuitOpenError extends Error {
  override name = 'CircuitOpenError';
}
