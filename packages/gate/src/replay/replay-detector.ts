import { ExpiryHeap } from './expiry-heap.ts';

export interface ReplayLimits {
  /** Nonces remembered at most. */
  readonly capacity: number;
  /** Of them, at most this many of one owner, so that nobody can fill the memory of all. */
  readonly perOwner: number;
  /** How far ahead a nonce may expire, in milliseconds. */
  readonly window: number;
}

export interface NonceUse {
  /** Whom the memory is charged to, such as `user/1000`. */
  readonly owner: string;
  readonly nonce: string;
  /** Milliseconds since 1970; remembered until then. */
  readonly expires: number;
  /** How often it may be taken; 1 unless given. */
  readonly uses?: number | undefined;
}

export type NonceFault = 'used' | 'expired' | 'outside-window' | 'full' | 'owner-full';
export type NonceAnswer =
  | { readonly fresh: true; readonly usesLeft: number }
  | { readonly fresh: false; readonly fault: NonceFault };

export interface ReplayStats {
  readonly remembered: number;
  readonly capacity: number;
  readonly accepted: number;
  readonly refused: number;
}

interface Remembered {
  readonly owner: string;
  readonly nonce: string;
  readonly expires: number;
  usesLeft: number;
}

/** Expired nonces forgotten per call: more than come in, few enough that no call is slow. */
const FORGET_PER_CALL = 8;

/**
 * Remembers nonces until they expire. Exact: a nonce is accepted as often as it may be used and not once more
 * before it expires. When the memory is full, new nonces are refused; only expired ones make room.
 *
 * Looking and remembering is one synchronous step: nothing can come between them.
 */
export class ReplayDetector {
  readonly #limits: ReplayLimits;
  readonly #byNonce = new Map<string, Remembered>();
  readonly #perOwner = new Map<string, number>();
  readonly #byExpiry = new ExpiryHeap<Remembered>();
  #accepted = 0;
  #refused = 0;

  constructor(limits: ReplayLimits) {
    this.#limits = limits;
  }

  /**
   * Takes one use of a nonce.
   *
   * @param now milliseconds since 1970, from a clock that never goes back
   */
  take(use: NonceUse, now: number): NonceAnswer {
    this.#forgetExpired(now);
    const answer = this.#take(use, now);
    if (answer.fresh) this.#accepted += 1;
    else this.#refused += 1;
    return answer;
  }

  stats(): ReplayStats {
    return {
      remembered: this.#byExpiry.size,
      capacity: this.#limits.capacity,
      accepted: this.#accepted,
      refused: this.#refused,
    };
  }

  #take({ owner, nonce, expires, uses = 1 }: NonceUse, now: number): NonceAnswer {
    const { capacity, perOwner, window } = this.#limits;
    // Also refuses NaN, which compares false with everything.
    if (!(expires > now)) return { fresh: false, fault: 'expired' };
    if (!(expires - now <= window) || !(uses >= 1)) return { fresh: false, fault: 'outside-window' };
    const known = this.#byNonce.get(nonce);
    if (known !== undefined && known.expires > now) {
      if (known.usesLeft === 0) return { fresh: false, fault: 'used' };
      known.usesLeft -= 1;
      return { fresh: true, usesLeft: known.usesLeft };
    }
    if (this.#byExpiry.size >= capacity) return { fresh: false, fault: 'full' };
    const owned = this.#perOwner.get(owner) ?? 0;
    if (owned >= perOwner) return { fresh: false, fault: 'owner-full' };
    const remembered: Remembered = { owner, nonce, expires, usesLeft: uses - 1 };
    this.#perOwner.set(owner, owned + 1);
    this.#byNonce.set(nonce, remembered);
    this.#byExpiry.push(remembered);
    return { fresh: true, usesLeft: remembered.usesLeft };
  }

  #forgetExpired(now: number): void {
    for (let count = 0; count < FORGET_PER_CALL; count += 1) {
      const oldest = this.#byExpiry.first();
      if (oldest === undefined || oldest.expires > now) return;
      this.#byExpiry.shift();
      // A nonce that came again after it expired has a new entry under its name.
      if (this.#byNonce.get(oldest.nonce) === oldest) this.#byNonce.delete(oldest.nonce);
      const owned = (this.#perOwner.get(oldest.owner) ?? 1) - 1;
      if (owned === 0) this.#perOwner.delete(oldest.owner);
      else this.#perOwner.set(oldest.owner, owned);
    }
  }
}
