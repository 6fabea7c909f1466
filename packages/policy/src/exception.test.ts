import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { decide } from './decide.ts';
import { listExceptions } from './exception.ts';
import { explain } from './explain.ts';
import { explainInWords } from './explain-words.ts';
import { parsePolicy } from './parse.ts';
import type { NetworkConnectRequest } from './request.ts';
import { layerOf, snapshotOf } from './testing.ts';

/** Properties are tried on thousands of policies; a busy machine takes its time. */
vi.setConfig({ testTimeout: 60_000 });

const AT = Date.parse('2026-11-20T12:00:00Z');
const END = '2026-12-01T00:00:00Z';
const ban = `
network:
  default: allow
  rules:
    - { id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }
`;
const exception = `
exceptions:
  - id: research-may
    rules: [no-deepseek]
    agents: { teams: [research] }
    owner: ann@example.com
    reason: Evaluation until the end of November.
    expires: ${END}
`;
const request: NetworkConnectRequest = {
  action: 'network.connect',
  host: 'api.deepseek.com',
  port: 443,
  at: AT,
  agent: { id: 'a'.repeat(64), name: 'n', user: 'u', libraries: [], team: 'research' },
};

describe('an exception', () => {
  test('permits what the rule of its layer bans, and the verdict says so', () => {
    const verdict = decide(snapshotOf(ban + exception), request);
    expect(verdict).toMatchObject({
      outcome: 'ALLOW',
      layer: 'global',
      rule: 'research-may',
      exceptionFrom: 'no-deepseek',
      reason: 'Evaluation until the end of November.',
    });
  });

  test('is narrow: others stay banned, and those whom nobody could identify too', () => {
    const snapshot = snapshotOf(ban + exception);
    for (const agent of [undefined, null, { id: '', name: '', user: '', libraries: [], team: 'sales' }]) {
      expect(decide(snapshot, { ...request, agent })).toMatchObject({ outcome: 'DENY', rule: 'no-deepseek' });
    }
  });

  test('ends with the millisecond that it names', () => {
    const snapshot = snapshotOf(ban + exception);
    expect(decide(snapshot, { ...request, at: Date.parse(END) - 1 }).outcome).toBe('ALLOW');
    expect(decide(snapshot, { ...request, at: Date.parse(END) }).outcome).toBe('DENY');
  });

  test('of one rule is no exception from another', () => {
    const two = `${ban}    - { id: other, effect: deny, destinations: ['*.example.com'] }\n`;
    expect(decide(snapshotOf(two + exception), { ...request, host: 'a.example.com' })).toMatchObject({
      outcome: 'DENY',
      rule: 'other',
    });
  });

  test('may be from a default, and may ask instead of permit', () => {
    const source = `
network: {}
exceptions:
  - { id: e, rules: [network/default], effect: prompt, destinations: [a.example], owner: o, reason: r, expires: '${END}' }
`;
    expect(decide(snapshotOf(source), { ...request, host: 'a.example' })).toMatchObject({
      outcome: 'PROMPT',
      onTimeout: 'DENY',
      rule: 'e',
    });
    expect(decide(snapshotOf(source), { ...request, host: 'b.example' }).outcome).toBe('DENY');
  });

  test('of a lower layer cannot be from a rule of a higher one: the document is refused', () => {
    const local = `apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow }\n${exception}`;
    const parsed = parsePolicy(local, { layer: 'local' });
    expect(parsed).toMatchObject({
      ok: false,
      issues: [{ path: 'exceptions[0].rules[0]', message: expect.stringContaining('no rule `no-deepseek`') }],
    });
  });

  test('of a lower layer that repeats the rule only lifts its own', () => {
    const verdict = decide(snapshotOf(layerOf(ban), layerOf(ban + exception, 'local')), request);
    expect(verdict).toMatchObject({ outcome: 'DENY', layer: 'global', rule: 'no-deepseek' });
  });

  test('of a higher layer does not lift what a lower one bans for itself', () => {
    const verdict = decide(snapshotOf(layerOf(ban + exception), layerOf(ban, 'team')), request);
    expect(verdict).toMatchObject({ outcome: 'DENY', layer: 'team' });
  });

  test.each([
    ['without an owner', exception.replace(/ {4}owner.*\n/, ''), 'exceptions[0].owner'],
    ['without a reason', exception.replace(/ {4}reason.*\n/, ''), 'exceptions[0].reason'],
    ['without an end', exception.replace(/ {4}expires.*\n/, ''), 'exceptions[0].expires'],
    ['with an end without offset', exception.replace(END, '2026-12-01T00:00:00'), 'exceptions[0].expires'],
    ['for everybody', exception.replace(/ {4}agents.*\n/, ''), 'exceptions[0]'],
    [
      'from a rule that allows',
      exception.replace('no-deepseek', 'network/default'),
      'exceptions[0].rules[0]',
    ],
    ['with the id of a rule', exception.replace('research-may', 'no-deepseek'), 'exceptions[0].id'],
  ])('%s is refused', (_name, written, path) => {
    const source = `apiVersion: raypher/v1\nmode: enforce\n${ban}${written}`;
    const parsed = parsePolicy(source, { layer: 'global' });
    expect(parsed.ok ? [] : parsed.issues.map((issue) => issue.path)).toContain(path);
  });

  test('is listed with its owner and end, ended ones marked', () => {
    const listed = listExceptions([layerOf(ban + exception)], AT);
    expect(listed).toMatchObject([
      { layer: 'global', id: 'research-may', owner: 'ann@example.com', expires: END, isExpired: false },
    ]);
    expect(listExceptions([layerOf(ban + exception)], Date.parse(END))).toMatchObject([{ isExpired: true }]);
  });

  test('that has ended is named as what would have permitted it', () => {
    const explained = explain(snapshotOf(ban + exception), { ...request, at: Date.parse(END) });
    expect(explained.layers[0]?.sections[0]?.nearestMisses).toMatchObject([
      { kind: 'exception', id: 'research-may', mismatches: [{ matcher: 'expires' }] },
    ]);
    expect(explainInWords(explained).join('\n')).toContain(
      'exception research-may says ALLOW, but it holds before ',
    );
  });
});

describe('whatever a lower layer holds', () => {
  const rule = fc.record({
    effect: fc.constantFrom('allow', 'deny', 'prompt'),
    destination: fc.constantFrom('*', '*.deepseek.com', 'api.deepseek.com', 'a.example'),
  });
  const document = fc
    .record({
      rules: fc.array(rule, { maxLength: 4 }),
      fallback: fc.constantFrom('allow', 'deny'),
      excepted: fc.nat(4),
    })
    .map(({ rules, fallback, excepted }) => {
      const lines = rules.map(
        ({ effect, destination }, n) =>
          `    - { id: r${n}, effect: ${effect}, destinations: ['${destination}'] }`,
      );
      const banned = rules.findIndex(({ effect }, n) => effect !== 'allow' && n >= excepted % 4);
      const own =
        banned === -1
          ? ''
          : `exceptions:\n  - { id: e, rules: [r${banned}], destinations: ['*.deepseek.com', a.example, '*.example'], owner: o, reason: r, expires: '${END}' }\n`;
      return `network:\n  default: ${fallback}\n${lines.length === 0 ? '' : `  rules:\n${lines.join('\n')}\n`}${own}`;
    });

  test('exceptions included, it never relaxes the layers above', () => {
    const rank = { ALLOW: 0, PROMPT: 1, DENY: 2 };
    const hosts = fc.constantFrom('api.deepseek.com', 'a.example', 'b.example');
    const times = fc.constantFrom(AT, Date.parse(END));
    fc.assert(
      fc.property(document, document, hosts, times, (above, below, host, at) => {
        const asked = { ...request, host, at };
        const alone = decide(snapshotOf(layerOf(above)), asked);
        for (const layer of ['team', 'local'] as const) {
          const both = decide(snapshotOf(layerOf(above), layerOf(below, layer)), asked);
          expect(rank[both.effective.outcome]).toBeGreaterThanOrEqual(rank[alone.effective.outcome]);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('an exception relaxes its own layer only, and only until it ends', () => {
    fc.assert(
      fc.property(document, (source) => {
        const without = source.replace(/exceptions:[\s\S]*$/, '');
        const after = decide(snapshotOf(source), { ...request, at: Date.parse(END) });
        expect(after).toEqual(decide(snapshotOf(without), { ...request, at: Date.parse(END) }));
      }),
      { numRuns: 200 },
    );
  });
});
