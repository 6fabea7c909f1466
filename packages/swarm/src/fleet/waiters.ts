interface Waiter {
  isDone: () => boolean;
  settle: () => void;
}

/** Promises that resolve when a condition of the fleet holds; looked at on every tick of its clock. */
export class Waiters {
  readonly #waiting = new Set<Waiter>();

  /** @throws Error naming `what` when it does not hold within `timeoutMs` */
  wait(what: string, timeoutMs: number, isDone: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#waiting.delete(waiter);
      reject(new Error(`Waited ${timeoutMs} ms in vain for: ${what}.`));
    }, timeoutMs);
    const waiter: Waiter = {
      isDone,
      settle: () => {
        clearTimeout(timer);
        resolve();
      },
    };
    this.#waiting.add(waiter);
    this.check();
    return promise;
  }

  check(): void {
    for (const waiter of this.#waiting) {
      if (!waiter.isDone()) continue;
      this.#waiting.delete(waiter);
      waiter.settle();
    }
  }
}
