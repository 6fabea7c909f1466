import { canonicalBytes } from '@raypher/ledger';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portablePrimitives } from '../primitives/portable-primitives.ts';
import { ReplayDetector } from '../replay/replay-detector.ts';
import { freshKey, KeyRing } from './key-ring.ts';
import { formatPermit, type PermitClaims, permitPreimage, readPermit } from './permit.ts';
import { PermitAuthority, type PermitLimits } from './permit-authority.ts';
import { type Caller, closestSubject, userSubject } from './subject.ts';

const START = 1_700_000_000_000;
const CAR = 'a'.repeat(64);
const CALLER: Caller = { uid: 1000, pid: 42, startTicks: '777' };
const LIMITS: PermitLimits = { lifetime: 30_000, maxLifetime: 60_000, skew: 0, maxUses: 5 };
const PURPOSE = { car: CAR, caller: CALLER };

function authority(limits: Partial<PermitLimits> = {}, capacity = 100) {
  const key = freshKey(portablePrimitives, START);
  const ring = new KeyRing(portablePrimitives, [key]);
  const replay = new ReplayDetector({ capacity, perOwner: capacity, window: 120_000 });
  const permits = new PermitAuthority(portablePrimitives, ring, replay, { ...LIMITS, ...limits }, START);
  const sign = (claims: Partial<PermitClaims>) => {
    const whole: PermitClaims = {
      v: 1,
      kid: key.kid,
      car: CAR,
      subject: closestSubject(CALLER),
      verdict: 'ALLOW',
      iat: START,
      exp: START + 1_000,
      nonce: portablePrimitives.randomHex(16),
      uses: 1,
      ...claims,
    };
    return formatPermit(whole, portablePrimitives.keyedHash(key.secret)(permitPreimage(whole)));
  };
  return { key, ring, replay, permits, sign };
}

const order = { car: CAR, subject: closestSubject(CALLER), verdict: 'ALLOW' } as const;

function outcome(permits: PermitAuthority, permit: string, purpose = PURPOSE, now = START): string {
  const check = permits.verify(permit, purpose, now);
  return check.valid ? 'valid' : check.fault;
}

describe('a permit', () => {
  it('of one use is used once', () => {
    const { permits } = authority();
    const { permit } = permits.create(order, START);
    expect(Array.from({ length: 4 }, () => outcome(permits, permit))).toEqual([
      'valid',
      ...Array(3).fill('permit/used'),
    ]);
  });

  it('of three uses is used three times, by whomever it is for', () => {
    const { permits } = authority();
    const { permit } = permits.create({ ...order, subject: userSubject(CALLER), uses: 3 }, START);
    const sibling = { car: CAR, caller: { uid: 1000, pid: 43, startTicks: '1' } };
    expect([PURPOSE, sibling, PURPOSE, sibling].map((purpose) => outcome(permits, permit, purpose))).toEqual([
      'valid',
      'valid',
      'valid',
      'permit/used',
    ]);
  });

  it('does not count once any character of it was changed, and is still whole afterwards', () => {
    const { permits } = authority();
    const { permit } = permits.create(order, START);
    fc.assert(
      fc.property(
        fc.nat(permit.length - 1),
        fc.constantFrom(...'0123456789abcdefLORWTMP._/-'),
        (at, character) => {
          fc.pre(permit[at] !== character);
          const changed = permit.slice(0, at) + character + permit.slice(at + 1);
          expect(['permit/malformed', 'permit/unknown-key', 'permit/forged']).toContain(
            outcome(permits, changed),
          );
        },
      ),
      { numRuns: 500 },
    );
    expect(outcome(permits, permit)).toBe('valid');
  });

  it('that is forged does not burn the nonce of the real one', () => {
    const { permits, replay } = authority();
    const { permit } = permits.create(order, START);
    const forged = `${permit.slice(0, -64)}${'0'.repeat(64)}`;
    for (let count = 0; count < 200; count += 1) expect(outcome(permits, forged)).toBe('permit/forged');
    expect(replay.stats().remembered).toBe(0);
    expect(outcome(permits, permit)).toBe('valid');
  });

  it.each([
    ['another action', { car: 'b'.repeat(64), caller: CALLER }, 'permit/other-action'],
    ['another user', { car: CAR, caller: { ...CALLER, uid: 1001 } }, 'permit/other-subject'],
    ['another process', { car: CAR, caller: { ...CALLER, pid: 43 } }, 'permit/other-subject'],
    [
      'a process that got the same pid',
      { car: CAR, caller: { ...CALLER, startTicks: '778' } },
      'permit/other-subject',
    ],
    ['a caller whose process is not known', { car: CAR, caller: { uid: 1000 } }, 'permit/other-subject'],
    ['a stricter answer', { ...PURPOSE, verdict: 'PROMPT' as const }, 'permit/other-verdict'],
  ])('does not count for %s, and is not used up by it', (_what, purpose, fault) => {
    const { permits } = authority();
    const { permit } = permits.create(order, START);
    expect(outcome(permits, permit, purpose)).toBe(fault);
    expect(outcome(permits, permit)).toBe('valid');
  });

  it('expires on time, and is not used up by coming late', () => {
    const { permits, replay } = authority();
    const { permit } = permits.create(order, START);
    expect(outcome(permits, permit, PURPOSE, START + LIMITS.lifetime)).toBe('permit/expired');
    expect(replay.stats().remembered).toBe(0);
    expect(outcome(permits, permit, PURPOSE, START + LIMITS.lifetime - 1)).toBe('valid');
  });

  it('may be off by the skew, and is remembered that much longer', () => {
    const { permits } = authority({ skew: 5_000 });
    const { permit } = permits.create(order, START);
    expect(outcome(permits, permit, PURPOSE, START + LIMITS.lifetime + 4_999)).toBe('valid');
    expect(outcome(permits, permit, PURPOSE, START + LIMITS.lifetime + 4_999)).toBe('permit/used');
    expect(outcome(permits, permit, PURPOSE, START + LIMITS.lifetime + 5_000)).toBe('permit/expired');
  });

  it.each<[string, Partial<PermitClaims>]>([
    ['permit/key-not-valid', { iat: START - 1 }],
    ['permit/not-yet-valid', { iat: START + 1, exp: START + 1_001 }],
    ['permit/lifetime', { exp: START + LIMITS.maxLifetime + 1 }],
    ['permit/lifetime', { exp: START }],
    ['permit/lifetime', { exp: START - 1 }],
  ])('is refused with %s although the signature is right', (fault, claims) => {
    const { permits, sign } = authority();
    expect(outcome(permits, sign(claims))).toBe(fault);
  });

  it('from before this gate started is refused even when its key is older', () => {
    const key = freshKey(portablePrimitives, START - 10_000);
    const replay = new ReplayDetector({ capacity: 9, perOwner: 9, window: 120_000 });
    const make = (startedAt: number) =>
      new PermitAuthority(
        portablePrimitives,
        new KeyRing(portablePrimitives, [key]),
        replay,
        LIMITS,
        startedAt,
      );
    const { permit } = make(START - 10_000).create(order, START - 5_000);
    expect(outcome(make(START), permit)).toBe('permit/before-start');
  });

  it.each(['', 'rp1', 'rp1.......', 'x'.repeat(10_000), 'rp2.a', '__proto__', '\0'])('is not %j', (text) => {
    expect(outcome(authority().permits, text)).toBe('permit/malformed');
  });

  it('has one spelling', () => {
    const { permits } = authority();
    const { permit } = permits.create(order, START);
    const parts = permit.split('.');
    const respelt = (at: number, change: (part: string) => string) =>
      parts.map((part, index) => (index === at ? change(part) : part)).join('.');
    for (const other of [
      respelt(9, (mac) => mac.toUpperCase()),
      respelt(2, (car) => car.toUpperCase()),
      respelt(8, (uses) => `0${uses}`),
      respelt(5, (iat) => `${iat}e0`),
      ` ${permit}`,
      `${permit}\n`,
    ]) {
      expect(outcome(permits, other)).toBe('permit/malformed');
    }
  });

  it('is refused when there is no memory left to know whether it was used', () => {
    const { permits } = authority({}, 2);
    const issued = Array.from({ length: 3 }, () => permits.create(order, START).permit);
    expect(issued.map((permit) => outcome(permits, permit))).toEqual([
      'valid',
      'valid',
      'permit/memory-full',
    ]);
    expect(outcome(permits, issued[0] ?? '')).toBe('permit/used');
  });

  it('is signed over RFC 8785 of its claims', () => {
    const { permits } = authority();
    const { permit, claims } = permits.create({ ...order, uses: 4, lifetime: 7 }, START);
    expect(permitPreimage(claims)).toBe(new TextDecoder().decode(canonicalBytes(claims)));
    expect(readPermit(permit)?.claims).toEqual(claims);
  });

  it.each([
    { lifetime: 0 },
    { lifetime: 60_001 },
    { lifetime: 1.5 },
    { lifetime: Number.NaN },
    { uses: 0 },
    { uses: 6 },
    { car: 'A'.repeat(64) },
    { car: `${CAR}\n` },
    { subject: 'user/01000' as const },
    { subject: 'process/1/0/1' as const },
  ])('is not issued with %j', (wrong) => {
    expect(() => authority().permits.create({ ...order, ...wrong }, START)).toThrow(/permit/);
  });
});

describe('the keys of permits', () => {
  it('have no default and are not weak', () => {
    const make = (secret: Uint8Array) =>
      new KeyRing(portablePrimitives, [{ kid: 'k', secret, notBefore: START }]);
    expect(() => make(new Uint8Array(0))).toThrow(/32/);
    expect(() => make(new Uint8Array(32))).toThrow(/unpredictable/);
    expect(() => make(new TextEncoder().encode('changeme'))).toThrow(/32/);
  });

  it('rotate: what the old one signed stays valid, and it signs no more', () => {
    const { key, ring, permits, sign } = authority();
    const { permit: old } = permits.create(order, START);
    ring.rotate({ ...freshKey(portablePrimitives, START + 100), kid: 'next' });
    expect(permits.create(order, START + 99).claims.kid).toBe(key.kid);
    expect(permits.create(order, START + 100).claims.kid).toBe('next');
    expect(outcome(permits, old, PURPOSE, START + 200)).toBe('valid');
    const leaked = sign({ iat: START + 150, exp: START + 1_000 });
    expect(outcome(permits, leaked, PURPOSE, START + 200)).toBe('permit/key-not-valid');
  });

  it('that are revoked verify nothing', () => {
    const { key, ring, permits } = authority();
    const { permit } = permits.create(order, START);
    ring.revoke(key.kid);
    expect(outcome(permits, permit)).toBe('permit/unknown-key');
    expect(() => permits.create(order, START)).toThrow(/No permit key/);
    expect(() => ring.add(key)).toThrow(/already/);
  });

  it('are forgotten after everything they signed has expired', () => {
    const { ring, permits } = authority();
    const { permit } = permits.create(order, START);
    ring.rotate({ ...freshKey(portablePrimitives, START + 1), kid: 'next' });
    ring.forgetRetiredBefore(START + 1);
    expect(outcome(permits, permit, PURPOSE, START + 2)).toBe('valid');
    ring.forgetRetiredBefore(START + 2);
    expect(outcome(permits, permit, PURPOSE, START + 2)).toBe('permit/unknown-key');
  });

  it('under one id do not verify what another signed', () => {
    const one = authority();
    const other = authority();
    const { permit } = one.permits.create(order, START);
    expect(outcome(other.permits, permit.replace(one.key.kid, other.key.kid))).toBe('permit/forged');
  });
});
