import type { EndingKind } from '@raypher/link-client';
import { LINK_TRANSPORTS, type LinkTransport } from '@raypher/shared';

/** After so long what was blocked is tried again, at the next connection. Milliseconds, spread by half. */
const BETTER_AGAIN_MS = 10 * 60_000;
/** How often a transport that has worked here may be cut off before another one is tried. */
const TRIES_AFTER_SUCCESS = 2;

export interface BlockedTransport {
  transport: LinkTransport;
  reason: string;
}

/**
 * Which transport the next connection uses: the best that this network lets through.
 *
 * | an attempt ended because | then |
 * |---|---|
 * | something on the way does not carry it (`blocked`) | the next transport; after the last one the first again |
 * | nobody is there (`away`), one refused the other (`refused`), or it was open and broke (`over`) | the same |
 * | ten to fifteen minutes have passed since the first was blocked | the first, once this connection is over |
 *
 * It remembers nothing over a restart. How long to wait between attempts is not its business: it grows with each one
 * that fails, whatever carries it.
 */
export class TransportLadder {
  readonly #now: () => number;
  readonly #random: () => number;
  #rung = 0;
  #failures = 0;
  #hasWorked = false;
  #betterAgainAt = Number.POSITIVE_INFINITY;
  #blocked: BlockedTransport[] = [];

  /**
   * @param now milliseconds, monotonic
   * @param random in [0, 1)
   */
  constructor(now: () => number = () => performance.now(), random: () => number = Math.random) {
    this.#now = now;
    this.#random = random;
  }

  /** Better ones that this network does not carry, and how that was seen. */
  get blocked(): readonly BlockedTransport[] {
    return this.#blocked;
  }

  /** What carries the link, or is to be tried. */
  get transport(): LinkTransport {
    // The rung is always one of them.
    return LINK_TRANSPORTS[this.#rung] ?? 'grpc';
  }

  /** Before an attempt. */
  choose(): LinkTransport {
    if (this.#now() >= this.#betterAgainAt) this.#stepTo(0);
    return this.transport;
  }

  /** The control plane answered. */
  worked(): void {
    this.#failures = 0;
    this.#hasWorked = true;
  }

  /** An attempt, or a line that was open, has ended. */
  ended(kind: EndingKind, reason: string): void {
    if (kind !== 'blocked') return;
    this.#failures += 1;
    // A server that restarts cuts connections off as well.
    if (this.#hasWorked && this.#failures < TRIES_AFTER_SUCCESS) return;
    const { transport } = this;
    if (this.#rung === 0) this.#betterAgainAt = this.#now() + BETTER_AGAIN_MS * (1 + this.#random() / 2);
    const isLast = this.#rung === LINK_TRANSPORTS.length - 1;
    this.#stepTo(isLast ? 0 : this.#rung + 1);
    if (!isLast) this.#blocked = [...this.#blocked, { transport, reason }];
  }

  #stepTo(rung: number): void {
    this.#rung = rung;
    this.#failures = 0;
    this.#hasWorked = false;
    if (rung > 0) return;
    this.#blocked = [];
    this.#betterAgainAt = Number.POSITIVE_INFINITY;
  }
}
