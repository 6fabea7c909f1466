import type { Primitives } from '../primitives/primitives.ts';

/** RFC 2104 §3: a key shorter than the hash weakens it. */
const SHORTEST_SECRET = 32;
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;

export interface PermitKey {
  /** 1–32 characters of the base64url alphabet. */
  readonly kid: string;
  /** At least 32 unpredictable bytes. There is no default. */
  readonly secret: Uint8Array;
  /** Signs from then on; milliseconds since 1970. */
  readonly notBefore: number;
  /** Signs no more from then on; what it signed before stays valid until it expires. */
  readonly retireAt?: number | undefined;
}

interface HeldKey {
  readonly kid: string;
  readonly notBefore: number;
  retireAt: number;
  readonly mac: (text: string) => string;
}

export interface RingKey {
  readonly kid: string;
  readonly mac: (text: string) => string;
}

/**
 * The secrets that permits are signed with. They stay in here: only functions that use them come out.
 *
 * Make a ring of fresh keys when the gate starts and keep it in memory. What has been used is forgotten with
 * the process, so a permit must not outlive it either.
 */
export class KeyRing {
  readonly #primitives: Primitives;
  readonly #keys = new Map<string, HeldKey>();
  readonly #everUsed = new Set<string>();

  /** @throws RangeError when a key is too short, constant, unnamed, or named twice */
  constructor(primitives: Primitives, keys: readonly [PermitKey, ...PermitKey[]]) {
    this.#primitives = primitives;
    for (const key of keys) this.add(key);
  }

  add(key: PermitKey): void {
    if (!KEY_ID.test(key.kid)) throw new RangeError('A permit key needs an id of 1–32 letters and digits.');
    if (this.#everUsed.has(key.kid)) throw new RangeError(`There was a permit key "${key.kid}" already.`);
    if (key.secret.length < SHORTEST_SECRET || key.secret.every((byte) => byte === key.secret[0])) {
      throw new RangeError(`A permit key is at least ${SHORTEST_SECRET} unpredictable bytes.`);
    }
    this.#everUsed.add(key.kid);
    this.#keys.set(key.kid, {
      kid: key.kid,
      notBefore: key.notBefore,
      retireAt: key.retireAt ?? Number.POSITIVE_INFINITY,
      mac: this.#primitives.keyedHash(key.secret),
    });
  }

  /** Adds a key and retires, from when it signs, every other. */
  rotate(key: PermitKey): void {
    this.add(key);
    for (const held of this.#keys.values()) {
      if (held.kid !== key.kid) held.retireAt = Math.min(held.retireAt, key.notBefore);
    }
  }

  /** Forgets a key at once: nothing that it signed is valid any more. */
  revoke(kid: string): boolean {
    return this.#keys.delete(kid);
  }

  /** Forgets keys that retired before `time`: everything they signed has expired by then. */
  forgetRetiredBefore(time: number): void {
    for (const held of this.#keys.values()) {
      if (held.retireAt < time) this.#keys.delete(held.kid);
    }
  }

  /** The newest key that signs at `now`, or `undefined` when there is none. */
  signingKey(now: number): RingKey | undefined {
    let newest: HeldKey | undefined;
    for (const held of this.#keys.values()) {
      if (held.notBefore > now || held.retireAt <= now) continue;
      if (newest === undefined || held.notBefore >= newest.notBefore) newest = held;
    }
    return newest;
  }

  verificationKey(kid: string): RingKey | undefined {
    return this.#keys.get(kid);
  }

  /** Whether a key could sign at that time: a secret that leaks after it retired signs nothing new. */
  signedAt(kid: string, time: number): boolean {
    const held = this.#keys.get(kid);
    return held !== undefined && held.notBefore <= time && time < held.retireAt;
  }
}

/** A ring with one fresh key. */
export function freshKeyRing(primitives: Primitives, now: number): KeyRing {
  return new KeyRing(primitives, [freshKey(primitives, now)]);
}

/** A key of 32 unpredictable bytes under a name of its own. */
export function freshKey(primitives: Primitives, notBefore: number): PermitKey {
  const digits = primitives.randomHex(SHORTEST_SECRET);
  const secret = Uint8Array.from({ length: SHORTEST_SECRET }, (_, at) =>
    Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16),
  );
  return { kid: primitives.randomHex(8), secret, notBefore };
}
