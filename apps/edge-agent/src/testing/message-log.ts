import { type Ack, type AgentMessage, type Heartbeat, type Hello, Phase } from '@raypher/shared';

export type Body = NonNullable<AgentMessage['body']>;

/** What a device said, and a way to wait for what it says next. */
export class MessageLog {
  readonly received: Body[] = [];
  readonly #waiting = new Set<(body: Body) => void>();

  /**
   * Resolves with what `select` makes of the first message from now on that it does not return undefined for.
   *
   * @example plane.next((body) => (body.$case === 'hello' ? body.value : undefined))
   */
  next<T>(select: (body: Body) => T | undefined): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    const waiter = (body: Body): void => {
      const selected = select(body);
      if (selected === undefined) return;
      this.#waiting.delete(waiter);
      resolve(selected);
    };
    this.#waiting.add(waiter);
    return promise;
  }

  hello(): Promise<Hello> {
    return this.next((body) => (body.$case === 'hello' ? body.value : undefined));
  }

  heartbeat(): Promise<Heartbeat> {
    return this.next((body) => (body.$case === 'heartbeat' ? body.value : undefined));
  }

  ack(phase: Phase, revision: number): Promise<Ack> {
    return this.next((body) =>
      body.$case === 'ack' && body.value.phase === phase && body.value.revision === BigInt(revision)
        ? body.value
        : undefined,
    );
  }

  rejection(): Promise<Ack> {
    return this.next((body) =>
      body.$case === 'ack' && body.value.phase === Phase.PHASE_REJECTED ? body.value : undefined,
    );
  }

  protected took(body: Body): void {
    this.received.push(body);
    for (const waiter of this.#waiting) waiter(body);
  }
}
