import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from './decide.ts';
import { parsePolicy } from './parse.ts';
import type { ActionRequest } from './request.ts';
import { layerOf, snapshotOf } from './testing.ts';
import { joinOpinions, type Opinion, strictness } from './verdict.ts';

const agent = { id: 'a', name: 'n', user: 'u', libraries: [], trust: 100 };
const call = { host: 'a.example', port: 443, provider: 'p', model: 'm', cost: 2_000_000, agent } as const;
const asking = 'effect: prompt, timeout_seconds: 45, approvers: 2';

/** One rule of each section that asks, and what meets it. */
const bySection: readonly (readonly [section: string, body: string, request: ActionRequest])[] = [
  ['network', `network: { rules: [{ id: ask, ${asking}, models: [m] }] }`, { action: 'model.call', ...call }],
  [
    'operational',
    `operational: { rules: [{ id: ask, ${asking}, paths: [/etc/**] }] }`,
    { action: 'file.read', path: '/etc/passwd' },
  ],
  ['tools', `tools: { rules: [{ id: ask, ${asking}, tools: ['*'] }] }`, { action: 'tool.call', tool: 'x' }],
  [
    'supply_chain',
    `supply_chain: { rules: [{ id: ask, ${asking}, ecosystems: [npm] }] }`,
    { action: 'package.install', ecosystem: 'npm', package: 'left-pad' },
  ],
  [
    'dlp',
    `dlp: { rules: [{ id: ask, ${asking}, classes: [contact] }] }`,
    { action: 'data.out', findings: [{ class: 'contact', detector: 'email' }] },
  ],
  [
    'temporal',
    `temporal: { rules: [{ id: ask, ${asking}, times: [{ from: '00:00', to: '24:00', days: [mon, tue, wed, thu, fri, sat, sun] }] }] }`,
    { action: 'tool.call', tool: 'x' },
  ],
  [
    'trust',
    `trust: { rules: [{ id: ask, ${asking}, below: 500 }] }`,
    { action: 'file.write', path: '/x', agent },
  ],
  [
    'financial',
    `financial: { limits: [{ id: ask, ${asking}, amount: 1, per: request, scope: agent }] }`,
    { action: 'model.call', ...call },
  ],
  [
    'exceptions',
    `network: { rules: [{ id: no, effect: deny, models: [m] }] }\nexceptions: [{ id: ask, ${asking}, rules: [no], agents: { users: [u] }, owner: o, reason: r, expires: 2999-01-01T00:00:00Z }]`,
    { action: 'model.call', ...call },
  ],
];

describe.each(bySection)('a rule of %s that asks', (_section, body, request) => {
  test('says how long to wait and how many have to agree', () => {
    expect(decide(snapshotOf(body), request).effective).toMatchObject({
      outcome: 'PROMPT',
      rule: 'ask',
      onTimeout: 'DENY',
      timeoutSeconds: 45,
      approvers: 2,
    });
  });

  test('waits two minutes for one person unless it says otherwise', () => {
    const plain = body.replace(asking, 'effect: prompt');
    expect(decide(snapshotOf(plain), request).effective).toMatchObject({
      outcome: 'PROMPT',
      timeoutSeconds: 120,
      approvers: 1,
    });
  });

  test.each(['timeout_seconds: 45', 'approvers: 2', 'on_timeout: allow'])(
    '%s is refused where nobody is asked',
    (key) => {
      const effect = _section === 'exceptions' ? 'allow' : _section === 'dlp' ? 'block' : 'deny';
      const source = `apiVersion: raypher/v1\nmode: enforce\n${body.replace(asking, `effect: ${effect}, ${key}`)}`;
      const name = key.split(':', 1)[0];
      expect(parsePolicy(source, { layer: 'global' })).toMatchObject({
        ok: false,
        issues: [{ message: `\`${name}\` only applies to rules with \`effect: prompt\`` }],
      });
    },
  );
});

test.each([
  ['timeout_seconds: 4', '`network.rules[0].timeout_seconds` must be at least 5'],
  ['timeout_seconds: 3601', '`network.rules[0].timeout_seconds` must be at most 3600'],
  ['timeout_seconds: 7.5', '`network.rules[0].timeout_seconds` must be a whole number'],
  ['approvers: 3', '`network.rules[0].approvers` must be `1` or `2`'],
])('%s is refused with what it may be', (how, message) => {
  const source = `apiVersion: raypher/v1\nmode: enforce\nnetwork: { rules: [{ id: a, effect: prompt, ${how}, models: [m] }] }`;
  expect(parsePolicy(source, { layer: 'global' })).toMatchObject({ ok: false, issues: [{ message }] });
});

describe('of two layers that ask', () => {
  const ask = (how: string) => `network: { rules: [{ id: ask, effect: prompt, ${how}, models: [m] }] }`;
  const both = (global: string, local: string) =>
    decide(snapshotOf(layerOf(ask(global)), layerOf(ask(local), 'local')), { action: 'model.call', ...call })
      .effective;

  test('the one that denies when nobody answers wins, and four eyes of the other stay', () => {
    expect(both('on_timeout: allow, approvers: 2', 'on_timeout: deny, timeout_seconds: 5')).toMatchObject({
      layer: 'local',
      onTimeout: 'DENY',
      approvers: 2,
      timeoutSeconds: 5,
    });
  });

  test('where both deny, the shorter wait wins', () => {
    expect(both('timeout_seconds: 60', 'timeout_seconds: 600')).toMatchObject({
      layer: 'global',
      timeoutSeconds: 60,
    });
  });

  test('where both let go, the longer wait wins: five seconds would be no question at all', () => {
    expect(
      both('on_timeout: allow, timeout_seconds: 3600', 'on_timeout: allow, timeout_seconds: 5'),
    ).toMatchObject({ layer: 'global', onTimeout: 'ALLOW', timeoutSeconds: 3600 });
  });
});

const opinion: fc.Arbitrary<Opinion> = fc
  .record({
    outcome: fc.constantFrom('ALLOW' as const, 'PROMPT' as const, 'PROMPT' as const, 'DENY' as const),
    mode: fc.constantFrom('monitor' as const, 'enforce' as const),
    layer: fc.constantFrom('global' as const, 'team' as const, 'local' as const),
    rule: fc.constantFrom('a', 'b', 'c'),
    onTimeout: fc.constantFrom('ALLOW' as const, 'DENY' as const),
    timeoutSeconds: fc.constantFrom(5, 6, 120, 3_599, 3_600),
    approvers: fc.constantFrom(1 as const, 2 as const),
  })
  .map(({ onTimeout, timeoutSeconds, approvers, ...rest }) => ({
    ...rest,
    reason: 'r',
    ...(rest.outcome === 'PROMPT' ? { onTimeout, timeoutSeconds, approvers } : {}),
  }));
const opinions = fc.array(opinion, { minLength: 1, maxLength: 5 });

/** What a person or a clock can still do with an answer, written down without the code that is tested. */
function isAtLeast(joined: Opinion, one: Opinion): boolean {
  const rank = { ALLOW: 0, PROMPT: 1, DENY: 2 };
  if (joined.outcome !== one.outcome) return rank[joined.outcome] > rank[one.outcome];
  if (one.outcome !== 'PROMPT') return true;
  if ((joined.approvers ?? 0) < (one.approvers ?? 0)) return false;
  if (joined.onTimeout !== one.onTimeout) return joined.onTimeout === 'DENY';
  const [wait = 0, than = 0] = [joined.timeoutSeconds, one.timeoutSeconds];
  return one.onTimeout === 'DENY' ? wait <= than : wait >= than;
}

function join(all: readonly Opinion[]) {
  const [first, ...rest] = all;
  if (first === undefined) throw new Error('at least one');
  return joinOpinions([first, ...rest], 1);
}

describe('joining opinions that ask', () => {
  test('is at least as strict as each of them, in every respect', () => {
    fc.assert(
      fc.property(opinions, (all) => {
        const verdict = join(all);
        for (const one of all) {
          expect(isAtLeast(verdict, one)).toBe(true);
          if (one.mode === 'enforce') expect(isAtLeast(verdict.effective, one)).toBe(true);
        }
      }),
    );
  });

  test('invents nothing: every respect is that of one of them', () => {
    fc.assert(
      fc.property(opinions, (all) => {
        const { outcome, onTimeout, timeoutSeconds, approvers } = join(all);
        expect(all.some((one) => one.outcome === outcome && one.onTimeout === onTimeout)).toBe(true);
        expect(all.some((one) => one.timeoutSeconds === timeoutSeconds)).toBe(true);
        expect(all.some((one) => one.approvers === approvers)).toBe(true);
      }),
    );
  });

  test('says the same in whatever order they come, and when one comes twice', () => {
    fc.assert(
      fc.property(opinions, (all) => {
        const said = ({ outcome, onTimeout, timeoutSeconds, approvers }: Opinion) => ({
          outcome,
          onTimeout,
          timeoutSeconds,
          approvers,
        });
        for (const other of [all.toReversed(), [...all, ...all]]) {
          expect(said(join(other))).toEqual(said(join(all)));
          expect(said(join(other).effective)).toEqual(said(join(all).effective));
        }
      }),
    );
  });

  test('is attributed by timeout, then approvers, then wait', () => {
    fc.assert(
      fc.property(opinions, (all) => {
        const prompts = all.filter(({ outcome }) => outcome === 'PROMPT');
        fc.pre(prompts.length === all.length);
        const order = (one: Opinion) => [
          one.onTimeout === 'DENY' ? 1 : 0,
          one.approvers ?? 0,
          (one.onTimeout === 'DENY' ? -1 : 1) * (one.timeoutSeconds ?? 0),
        ];
        const compare = (a: Opinion, b: Opinion) =>
          order(a).reduce((found, value, at) => found || value - (order(b)[at] ?? 0), 0);
        const strictest = all.toSorted((a, b) => compare(b, a))[0];
        const named = join(all);
        expect(all.some((one) => one.rule === named.rule && strictest && compare(one, strictest) === 0)).toBe(
          true,
        );
        for (const [a, b] of all.flatMap((one) => all.map((other) => [one, other] as const))) {
          expect(Math.sign(strictness(a) - strictness(b))).toBe(Math.sign(compare(a, b)));
        }
      }),
    );
  });
});
