/** Lets so many at once, and so many wait for their turn. */
export class Turns {
  #going = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #atOnce: number;
  readonly #mostWaiting: number;

  constructor(atOnce: number, mostWaiting: number) {
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  /** Nobody goes and nobody waits. */
  get isIdle(): boolean {
    return this.#going === 0;
  }

  /**
   * @param signal of who waits; who is gone loses the place in the queue.
   * @returns when it is one's turn, what ends it; undefined when too many wait already, or when one is gone.
   */
  async take(signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined;
    if (this.#going < this.#atOnce) this.#going += 1;
    else if (this.#waiting.length >= this.#mostWaiting || !(await this.#wait(signal))) return undefined;
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      // The turn goes over to the next, so that nobody comes in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#going -= 1;
      else next();
    };
  }

  #wait(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const called = () => {
        signal.removeEventListener('abort', gone);
        resolve(true);
      };
      const gone = () => {
        this.#waiting.splice(this.#waiting.indexOf(called), 1);
        resolve(false);
      };
      this.#waiting.push(called);
      signal.addEventListener('abort', gone, { once: true });
    });
  }
}
