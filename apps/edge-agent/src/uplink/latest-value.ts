/**
 * Sends the newest of values that replace each other, at most once per interval, and only when the
 * receiver keeps up. Values in between are never queued.
 */
export class LatestValue<T> {
  readonly #intervalMs: number;
  readonly #send: (value: T) => void;
  readonly #ready: () => boolean;
  #value: { current: T } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(intervalMs: number, ready: () => boolean, send: (value: T) => void) {
    this.#intervalMs = intervalMs;
    this.#ready = ready;
    this.#send = send;
  }

  offer(value: T): void {
    this.#value = { current: value };
    this.#schedule();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#value = undefined;
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#sentAt + this.#intervalMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#value === undefined) return;
      this.#sentAt = performance.now();
      if (!this.#ready()) return this.#schedule();
      const { current } = this.#value;
      this.#value = undefined;
      this.#send(current);
    }, wait);
    this.#timer.unref();
  }
}
