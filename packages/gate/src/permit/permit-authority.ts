import type { Primitives } from '../primitives/primitives.ts';
import type { ReplayDetector } from '../replay/replay-detector.ts';
import type { KeyRing } from './key-ring.ts';
import { formatPermit, type PermitClaims, permitPreimage, readPermit } from './permit.ts';
import type { PermitFault } from './permit-fault.ts';
import { type Caller, isSubject, parseSubject, type Subject, userSubject } from './subject.ts';

export interface PermitLimits {
  /** Milliseconds that a permit lives unless asked otherwise. */
  readonly lifetime: number;
  /** Milliseconds that a permit may live at most; also checked on permits that come back. */
  readonly maxLifetime: number;
  /** Milliseconds that a permit may come from the future or be expired; 0 where one clock does both. */
  readonly skew: number;
  readonly maxUses: number;
}

export interface PermitOrder {
  readonly car: string;
  readonly subject: Subject;
  readonly verdict: PermitClaims['verdict'];
  /** Milliseconds. */
  readonly lifetime?: number | undefined;
  readonly uses?: number | undefined;
}

export type PermitCheck =
  | { readonly valid: true; readonly claims: PermitClaims; readonly usesLeft: number }
  | { readonly valid: false; readonly fault: PermitFault };

/** What a permit is presented for. */
export interface PermitPurpose {
  readonly car: string;
  readonly caller: Caller;
  /** What the policy answers now, where it was asked. A permit counts for the answer it stands on only. */
  readonly verdict?: PermitClaims['verdict'] | undefined;
}

const LONGEST_SKEW = 30_000;
const CAR = /^[0-9a-f]{64}$/;

/** An order for a permit that is outside of the limits. Its message may be shown to whoever ordered. */
export class PermitOrderError extends Error {
  override readonly name = 'PermitOrderError';
}

/** Issues permits and takes them back. */
export class PermitAuthority {
  readonly #primitives: Primitives;
  readonly #keys: KeyRing;
  readonly #replay: ReplayDetector;
  readonly #limits: PermitLimits;
  #startedAt: number;

  /** @throws RangeError when the limits make no sense */
  constructor(
    primitives: Primitives,
    keys: KeyRing,
    replay: ReplayDetector,
    limits: PermitLimits,
    startedAt: number,
  ) {
    if (!(limits.skew >= 0 && limits.skew <= LONGEST_SKEW)) {
      throw new RangeError(`Clock skew is between 0 and ${LONGEST_SKEW} ms.`);
    }
    if (!(limits.lifetime > 0 && limits.lifetime <= limits.maxLifetime && limits.maxUses >= 1)) {
      throw new RangeError(
        'Permits live longer than 0 ms, at most their longest lifetime, for one use or more.',
      );
    }
    this.#primitives = primitives;
    this.#keys = keys;
    this.#replay = replay;
    this.#limits = limits;
    this.#startedAt = startedAt;
  }

  /** From now on no permit counts that was issued before. */
  endAll(now: number): void {
    this.#startedAt = now;
  }

  /**
   * @param now milliseconds since 1970, from the clock that permits are checked with
   * @throws PermitOrderError when the order is outside the limits or no key signs now
   */
  create(order: PermitOrder, now: number): { permit: string; claims: PermitClaims } {
    const { lifetime = this.#limits.lifetime, uses = 1 } = order;
    if (!Number.isSafeInteger(lifetime) || lifetime < 1 || lifetime > this.#limits.maxLifetime) {
      throw new PermitOrderError(`A permit lives between 1 and ${this.#limits.maxLifetime} ms.`);
    }
    if (!Number.isSafeInteger(uses) || uses < 1 || uses > this.#limits.maxUses) {
      throw new PermitOrderError(`A permit has between 1 and ${this.#limits.maxUses} uses.`);
    }
    if (!CAR.test(order.car)) throw new PermitOrderError('A permit is for the hash of one action request.');
    if (parseSubject(order.subject) === undefined)
      throw new PermitOrderError('A permit is for a user or a process.');
    const key = this.#keys.signingKey(now);
    if (key === undefined) throw new PermitOrderError('No permit key signs at this time.');
    const claims: PermitClaims = {
      v: 1,
      kid: key.kid,
      car: order.car,
      subject: order.subject,
      verdict: order.verdict,
      iat: now,
      exp: now + lifetime,
      nonce: this.#primitives.randomHex(16),
      uses,
    };
    return { permit: formatPermit(claims, key.mac(permitPreimage(claims))), claims };
  }

  /**
   * Checks a permit and takes one use of it. The nonce is touched last: what is forged, expired or for
   * something else burns nothing.
   */
  verify(permit: string, purpose: PermitPurpose, now: number): PermitCheck {
    const read = readPermit(permit);
    if (read === undefined) return { valid: false, fault: 'permit/malformed' };
    const { claims, mac } = read;
    const fault = this.#faultOf(claims, mac, now) ?? mismatch(claims, purpose);
    if (fault !== undefined) return { valid: false, fault };
    const { uid } = parseSubject(claims.subject) ?? purpose.caller;
    const taken = this.#replay.take(
      {
        owner: userSubject({ uid }),
        nonce: claims.nonce,
        expires: claims.exp + this.#limits.skew,
        uses: claims.uses,
      },
      now,
    );
    if (taken.fresh) return { valid: true, claims, usesLeft: taken.usesLeft };
    return { valid: false, fault: taken.fault === 'used' ? 'permit/used' : 'permit/memory-full' };
  }

  #faultOf(claims: PermitClaims, mac: string, now: number): PermitFault | undefined {
    const { kid, iat, exp } = claims;
    const { skew, maxLifetime } = this.#limits;
    const key = this.#keys.verificationKey(kid);
    if (key === undefined) return 'permit/unknown-key';
    if (!this.#primitives.constantTimeEqual(key.mac(permitPreimage(claims)), mac)) return 'permit/forged';
    if (!this.#keys.signedAt(kid, iat)) return 'permit/key-not-valid';
    if (iat < this.#startedAt) return 'permit/before-start';
    if (iat > now + skew) return 'permit/not-yet-valid';
    if (exp <= iat || exp - iat > maxLifetime) return 'permit/lifetime';
    if (exp + skew <= now) return 'permit/expired';
    return undefined;
  }
}

function mismatch(claims: PermitClaims, purpose: PermitPurpose): PermitFault | undefined {
  if (claims.car !== purpose.car) return 'permit/other-action';
  if (!isSubject(purpose.caller, claims.subject)) return 'permit/other-subject';
  if (purpose.verdict !== undefined && claims.verdict !== purpose.verdict) return 'permit/other-verdict';
  return undefined;
}
