import { describe, expect, it } from 'vitest';
import { closestSubject, userSubject } from '../permit/subject.ts';
import { ALICE, gateUnderTest, MALLORY, request } from './gate.test-support.ts';

const approve = ({ gate }: ReturnType<typeof gateUnderTest>, target: string, uses = 1) => {
  const { car } = gate.check(request(target), ALICE);
  const order = { car, subject: userSubject(ALICE), verdict: 'PROMPT', uses } as const;
  return gate.permits.create(order, gate.clock()).permit;
};

describe('the gate', () => {
  it('asks the policy once and remembers, for this caller only', () => {
    const { gate, policy } = gateUnderTest();
    expect(gate.check(request('allow'), ALICE)).toMatchObject({
      verdict: 'ALLOW',
      source: 'policy',
      revision: 1,
    });
    expect(gate.check(request('allow'), ALICE)).toMatchObject({
      verdict: 'ALLOW',
      source: 'cache',
      revision: 1,
    });
    expect(gate.check(request('allow'), MALLORY)).toMatchObject({ source: 'policy' });
    expect(gate.check(request('allow'), { ...ALICE, startTicks: '778' })).toMatchObject({ source: 'policy' });
    expect(policy.asked).toHaveLength(3);
  });

  it('asks again after a new revision, and after the time to live', () => {
    const { gate, policy, time } = gateUnderTest();
    gate.check(request('allow'), ALICE);
    policy.revision = 2;
    expect(gate.check(request('allow'), ALICE)).toMatchObject({ source: 'policy', revision: 2 });
    time.now += gate.limits.cache.ttl;
    expect(gate.check(request('allow'), ALICE)).toMatchObject({ source: 'policy' });
  });

  it('does not remember under the new revision what the old one decided', () => {
    const { gate, policy } = gateUnderTest();
    policy.next = (decision) => {
      policy.revision = 2;
      return decision;
    };
    gate.check(request('allow'), ALICE);
    policy.next = (decision) => ({ ...decision, verdict: 'DENY' });
    expect(gate.check(request('allow'), ALICE)).toMatchObject({ verdict: 'DENY', source: 'policy' });
  });

  it("does not remember as the new revision's what the old one still answered", () => {
    const { gate, policy } = gateUnderTest();
    policy.revision = 2;
    policy.next = (decision) => ({ ...decision, revision: 1 });
    expect(gate.check(request('allow'), ALICE)).toMatchObject({ source: 'policy', revision: 1 });
    policy.next = (decision) => ({ ...decision, verdict: 'DENY' });
    expect(gate.check(request('allow'), ALICE)).toMatchObject({
      verdict: 'DENY',
      source: 'policy',
      revision: 2,
    });
  });

  it('remembers nothing that depends on a budget', () => {
    const { gate, policy } = gateUnderTest();
    policy.cacheable = false;
    gate.check(request('allow'), ALICE);
    expect(gate.check(request('allow'), ALICE)).toMatchObject({ source: 'policy' });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('wasm trap');
      },
    ],
    ['gives no verdict', () => ({ verdict: 'allow' })],
  ])('denies when the policy %s, tells, and does not remember it', (_what, next) => {
    const faults: unknown[] = [];
    const { gate, policy } = gateUnderTest({ onPolicyFault: (error) => faults.push(error) });
    // What a policy in another language could do in spite of the type.
    policy.next = next as never;
    expect(gate.check(request('allow'), ALICE)).toMatchObject({
      verdict: 'DENY',
      rule: 'gate/policy-unavailable',
      source: 'gate',
    });
    expect(faults).toHaveLength(1);
    policy.next = undefined;
    expect(gate.check(request('allow'), ALICE)).toMatchObject({ verdict: 'ALLOW' });
  });

  it('asks the policy about what it hashed: composed, and not what a getter says next', () => {
    const { gate, policy } = gateUnderTest();
    let reads = 0;
    const shifty = {
      v: 1,
      action: 'file.read',
      get target() {
        reads += 1;
        return reads === 1 ? 'deny/cafe\u0301' : 'allow';
      },
    };
    expect(gate.check(shifty, ALICE)).toMatchObject({ verdict: 'DENY', normalised: true });
    expect(policy.asked).toEqual(['deny/café']);
  });

  it('refuses what is no action request, also the second time', () => {
    const { gate } = gateUnderTest();
    for (let count = 0; count < 2; count += 1) {
      expect(() => gate.check({ v: 1, target: 'allow' }, ALICE)).toThrow(/not an action request/);
    }
    expect(gate.cache.stats().entries).toBe(0);
  });
});

describe('a permit at the gate', () => {
  it('turns one PROMPT into one ALLOW, which is not remembered', () => {
    const setting = gateUnderTest();
    const { gate } = setting;
    const permit = approve(setting, 'prompt');
    expect(gate.check(request('prompt'), ALICE, { permit })).toMatchObject({
      verdict: 'ALLOW',
      source: 'permit',
      usesLeft: 0,
    });
    expect(gate.check(request('prompt'), ALICE)).toMatchObject({ verdict: 'PROMPT', source: 'cache' });
    expect(gate.check(request('prompt'), ALICE, { permit })).toMatchObject({
      verdict: 'DENY',
      rule: 'permit/used',
      source: 'gate',
    });
    expect(
      gate.cache.get(
        { car: gate.check(request('prompt'), ALICE).car, subject: closestSubject(ALICE), revision: 1 },
        setting.time.now,
      )?.verdict,
    ).toBe('PROMPT');
  });

  it('of three uses turns exactly three', () => {
    const setting = gateUnderTest();
    const permit = approve(setting, 'prompt', 3);
    const verdicts = Array.from(
      { length: 5 },
      () => setting.gate.check(request('prompt'), ALICE, { permit }).verdict,
    );
    expect(verdicts).toEqual(['ALLOW', 'ALLOW', 'ALLOW', 'DENY', 'DENY']);
  });

  it('does not outlive a ban, and is not used up by it', () => {
    const setting = gateUnderTest();
    const { gate, policy } = setting;
    const permit = approve(setting, 'prompt');
    policy.revision = 2;
    policy.next = (decision) => ({ ...decision, verdict: 'DENY' });
    expect(gate.check(request('prompt'), ALICE, { permit })).toMatchObject({
      verdict: 'DENY',
      source: 'policy',
    });
    expect(gate.permitReplay.stats().remembered).toBe(0);
  });

  it('that an ALLOW came with does not answer a later PROMPT', () => {
    const { gate, policy } = gateUnderTest();
    const { permit = '' } = gate.check(request('allow'), ALICE, { issue: true });
    policy.revision = 2;
    policy.next = (decision) => ({ ...decision, verdict: 'PROMPT' });
    expect(gate.check(request('allow'), ALICE, { permit })).toMatchObject({
      verdict: 'DENY',
      rule: 'permit/other-verdict',
    });
  });

  it('comes with an ALLOW when asked for, is for that process, and counts once', () => {
    const { gate, time } = gateUnderTest();
    const { car, permit = '', expires } = gate.check(request('allow'), ALICE, { issue: true });
    expect(expires).toBe(time.now + gate.limits.permits.lifetime);
    const verify = (caller: typeof ALICE) => gate.permits.verify(permit, { car, caller }, time.now).valid;
    expect([verify(MALLORY), verify({ ...ALICE, pid: 43 }), verify(ALICE), verify(ALICE)]).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it.each(['deny', 'prompt'])('does not come with a %s', (target) => {
    expect(gateUnderTest().gate.check(request(target), ALICE, { issue: true })).not.toHaveProperty('permit');
  });

  it('of somebody else denies even what is allowed', () => {
    const setting = gateUnderTest();
    const permit = approve(setting, 'prompt');
    expect(setting.gate.check(request('prompt'), MALLORY, { permit })).toMatchObject({
      verdict: 'DENY',
      rule: 'permit/other-subject',
    });
  });
});
