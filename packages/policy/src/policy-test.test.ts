import { describe, expect, test } from 'vitest';
import { parsePolicyTests, runPolicyTests } from './policy-test.ts';
import { replayPolicies } from './replay.ts';
import type { ActionRequest } from './request.ts';
import { layerOf, snapshotOf } from './testing.ts';

const policy = `
network:
  default: allow
  rules:
    - { id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'], reason: Not approved. }
    - { id: nights, effect: deny, destinations: [a.example], times: [{ from: '22:00', to: '06:00' }] }
financial:
  limits:
    - { id: daily, per: day, scope: agent, amount: 20 }
`;

const tests = `
tests:
  - name: DeepSeek is denied
    request: { action: network.connect, host: API.deepseek.com. }
    expect: { outcome: DENY, effective: DENY, rule: no-deepseek, layer: global }
  - name: nights are quiet
    request: { action: network.connect, host: a.example, at: '2026-11-20T23:00:00Z' }
    expect: { rule: nights }
  - name: a day's money is enough for one more call
    request:
      { action: model.call, host: b.example, provider: x, model: m, cost: 0.5, balances: { daily: { spent: 19.5 } } }
    expect: { outcome: ALLOW }
  - name: and not for two
    request:
      { action: model.call, host: b.example, provider: x, model: m, cost: 1, balances: { daily: { spent: 19.5 } } }
    expect: { outcome: DENY, rule: daily }
`;

describe('tests next to a policy', () => {
  test('pass when the policy says what they expect', () => {
    const results = runPolicyTests(snapshotOf(policy), parsed(tests));
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
    expect(results).toHaveLength(4);
  });

  test('fail with what differs and why', () => {
    const [failed] = runPolicyTests(snapshotOf('network: { default: allow }'), parsed(tests));
    expect(failed).toMatchObject({
      passed: false,
      differences: [
        { key: 'outcome', expected: 'DENY', actual: 'ALLOW' },
        { key: 'effective' },
        { key: 'rule', expected: 'no-deepseek', actual: 'network/default' },
      ],
    });
    expect(failed?.why.join('\n')).toContain('as no rule matches');
  });

  test.each([
    ['an unknown key', tests.replace('outcome:', 'outcom:'), 'outcome'],
    ['an action that lacks its facts', tests.replace(', host: API.deepseek.com.', ''), undefined],
    ['an unknown action', tests.replace('network.connect', 'network.conect'), 'network.connect'],
    ['nothing expected', tests.replace('{ rule: nights }', '{}'), undefined],
  ])('with %s are refused with the place', (_name, source, suggestion) => {
    const refused = parsePolicyTests(source);
    if (refused.ok) throw new Error('expected a refusal');
    expect(refused.issues[0]?.line).toBeGreaterThan(2);
    expect(refused.issues[0]?.suggestion).toBe(suggestion);
  });
});

describe('a change of policy replayed over recorded requests', () => {
  const to = (host: string): ActionRequest => ({ action: 'network.connect', host, port: 443 });
  const recorded = [
    { request: to('api.deepseek.com'), count: 3 },
    { request: to('b.example'), count: 7 },
  ];
  const open = snapshotOf('network: { default: allow }');

  test('counts what would be decided differently, by the rules that decide', () => {
    expect(replayPolicies(open, snapshotOf(policy), recorded)).toMatchObject({
      requests: 10,
      unchanged: 7,
      changes: [
        { before: 'ALLOW', after: 'DENY', ruleAfter: 'no-deepseek', direction: 'stricter', count: 3 },
      ],
    });
    expect(replayPolicies(snapshotOf(policy), open, recorded).changes).toMatchObject([
      { direction: 'milder' },
    ]);
  });

  test('a policy that only monitors changes nothing, and can be looked at as if it were enforced', () => {
    const watching = snapshotOf(layerOf(policy, 'global', 'monitor'));
    expect(replayPolicies(open, watching, recorded).changes).toEqual([]);
    expect(replayPolicies(open, watching, recorded, { wouldBe: true }).changes).toHaveLength(1);
  });
});

function parsed(source: string) {
  const result = parsePolicyTests(source);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.tests;
}
