import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, limitsFor } from './decide.ts';
import { parsePolicy } from './parse.ts';
import type { ModelCallRequest } from './request.ts';
import { routeModel } from './route-model.ts';
import { layerOf, snapshotOf } from './testing.ts';

const call = (model: string | null, facts: Partial<ModelCallRequest> = {}): ModelCallRequest => ({
  action: 'model.call',
  host: 'api.openai.com',
  port: 443,
  provider: 'openai',
  model,
  cost: 500_000,
  agent: { id: 'a', name: 'coder', user: 'ann', libraries: [] },
  at: Date.parse('2026-11-30T12:00:00Z'),
  ...facts,
});

describe('aliases', () => {
  const snapshot = snapshotOf(`
routing:
  aliases:
    fast: { provider: openai, model: gpt-5-mini }
    Smart: { model: smarter }
    smarter: { model: gpt-5 }
`);

  test('lead to the model they stand for, through other aliases too, in whatever case', () => {
    expect(routeModel(snapshot, call('FAST'))).toEqual({
      model: 'gpt-5-mini',
      layer: 'global',
      rule: 'routing/aliases/fast',
      reason: "fast is the global layer's name for gpt-5-mini.",
      enforced: true,
      steps: [
        {
          from: 'FAST',
          to: 'gpt-5-mini',
          layer: 'global',
          rule: 'routing/aliases/fast',
          reason: "fast is the global layer's name for gpt-5-mini.",
        },
      ],
    });
    expect(routeModel(snapshot, call('smart'))?.steps.map(({ to }) => to)).toEqual(['smarter', 'gpt-5']);
  });

  test.each([
    ['of another provider', call('fast', { provider: 'anthropic', host: 'api.anthropic.com' })],
    ['that nobody defined', call('gpt-4o')],
    ['that could not be read', call(null)],
    ['that is on every object', call('constructor')],
  ])('a name %s stays', (_name, request) => {
    expect(routeModel(snapshot, request)).toBeUndefined();
  });

  test('a lower layer cannot take the name of a higher one', () => {
    const own = layerOf('routing: { aliases: { fast: { model: gpt-5-pro } } }', 'local');
    expect(
      routeModel(snapshotOf(layerOf('routing: { aliases: { fast: { model: m } } }'), own), call('fast')),
    ).toMatchObject({
      model: 'm',
      layer: 'global',
    });
  });
});

describe('downgrades', () => {
  const body = `
financial:
  limits: [{ id: month, per: month, scope: organisation, amount: 100, models: ['gpt*'] }]
routing:
  downgrade:
    - { id: thrift, models: ['gpt-5*'], budget: { limit: month, above: 0.8 }, to: { model: gpt-5-mini }, reason: Four fifths of the month are used. }
    - { id: at-night, models: [gpt-5], times: [{ from: '20:00', to: '06:00' }], to: { model: gpt-5-mini } }
    - { id: dear, when: { cost: { gt: 2 } }, models: [gpt-4.5], to: { model: gpt-5 } }
`;
  const snapshot = snapshotOf(body);
  const used = (spent: number, reserved = 0) => {
    const [limit] = limitsFor(snapshot, call('gpt-5'));
    return { [limit?.counter ?? '']: { spent: spent * 1e6, reserved: reserved * 1e6 } };
  };

  test.each([
    [0, 0, undefined],
    [80, 0, undefined],
    [80, 0.000001, 'gpt-5-mini'],
    [100, 0, 'gpt-5-mini'],
  ])('by budget: %d dollars spent, %d reserved', (spent, reserved, model) => {
    expect(routeModel(snapshot, call('gpt-5'), used(spent, reserved))?.model).toBe(model);
  });

  test('a balance that nobody knows counts as used up; it can be looked up when it is needed', () => {
    expect(routeModel(snapshot, call('gpt-5'))).toMatchObject({ model: 'gpt-5-mini', rule: 'thrift' });
    expect(routeModel(snapshot, call('gpt-5'), () => null)).toMatchObject({ rule: 'thrift' });
    expect(routeModel(snapshot, call('gpt-5'), () => ({ spent: Number.NaN, reserved: 0 }))).toMatchObject({
      rule: 'thrift',
    });
    const asked: string[] = [];
    routeModel(snapshot, call('gpt-5'), ({ id }) => {
      asked.push(id);
      return { spent: 0, reserved: 0 };
    });
    expect(asked).toEqual(['month']);
  });

  test('by time and by cost; a model that is where the rule leads stays', () => {
    const night = { at: Date.parse('2026-11-30T21:00:00Z') };
    expect(routeModel(snapshot, call('gpt-5', night), used(0))).toMatchObject({ rule: 'at-night' });
    expect(routeModel(snapshot, call('gpt-5-mini'), used(100))).toBeUndefined();
    expect(routeModel(snapshot, call('gpt-4.5', { cost: 2_000_000 }), used(0))).toBeUndefined();
    expect(routeModel(snapshot, call('gpt-4.5', { cost: 2_000_001 }), used(0))?.model).toBe('gpt-5');
  });

  test('one after the other, each recorded', () => {
    const route = routeModel(snapshot, call('gpt-4.5', { cost: 3_000_000 }), used(90));
    expect(route?.steps.map(({ rule, from, to }) => [rule, from, to])).toEqual([
      ['dear', 'gpt-4.5', 'gpt-5'],
      ['thrift', 'gpt-5', 'gpt-5-mini'],
    ]);
    expect(route).toMatchObject({ model: 'gpt-5-mini', reason: 'Four fifths of the month are used.' });
  });

  test('a layer in monitor mode changes nothing; what it would have done is for the record', () => {
    const watched = snapshotOf(layerOf(body, 'global', 'monitor'));
    expect(routeModel(watched, call('gpt-5'), used(100))).toMatchObject({
      model: 'gpt-5-mini',
      enforced: false,
    });
    const enforced = layerOf(
      'routing: { downgrade: [{ id: x, models: [gpt-5], to: { model: nano } }] }',
      'team',
    );
    expect(
      routeModel(snapshotOf(layerOf(body, 'global', 'monitor'), enforced), call('gpt-5'), used(100)),
    ).toMatchObject({ model: 'nano', enforced: true, layer: 'team' });
  });

  test('what it leads to is decided anew: routing to a denied model does not get it', () => {
    const both = snapshotOf(
      layerOf('network: { default: allow, rules: [{ id: no-mini, effect: deny, models: [gpt-5-mini] }] }'),
      layerOf('routing: { aliases: { gpt-5: { model: gpt-5-mini } } }', 'local'),
    );
    const route = routeModel(both, call('gpt-5'));
    expect(route?.model).toBe('gpt-5-mini');
    expect(decide(both, call(route?.model ?? null)).effective).toMatchObject({
      outcome: 'DENY',
      rule: 'no-mini',
    });
  });
});

test('a model that could not be read does not get round a downgrade that may be for it', () => {
  const snapshot = snapshotOf(
    'routing: { downgrade: [{ id: thrift, models: [gpt-5], to: { model: mini } }] }',
  );
  expect(routeModel(snapshot, call(null))).toMatchObject({
    model: 'mini',
    rule: 'thrift',
    enforced: true,
    steps: [{ from: '', to: 'mini' }],
  });
  const others = 'routing: { downgrade: [{ id: t, providers: [mistral], models: [x], to: { model: y } }] }';
  expect(routeModel(snapshotOf(others), call(null))).toBeUndefined();
});

describe('mistakes in routing', () => {
  const issuesOf = (body: string) => {
    const parsed = parsePolicy(`apiVersion: raypher/v1\nmode: enforce\n${body}`, { layer: 'global' });
    return parsed.ok ? [] : parsed.issues.map(({ message, suggestion }) => suggestion ?? message);
  };
  const limits =
    'financial: { limits: [{ id: monthly, per: month, scope: agent, amount: 1 }, { id: each, per: request, scope: agent, amount: 1 }] }';

  test.each([
    [
      'another provider',
      '{ models: [x], to: { provider: mistral, model: y } }',
      'unknown key `provider` in `routing.downgrade[0].to`; known are model',
    ],
    ['nothing to match', '{ to: { model: y } }', /^a rule says what it matches/],
    ['a limit of nobody', '{ budget: { limit: monthyl, above: 0.5 }, to: { model: y } }', 'monthly'],
    [
      'a limit without a period',
      '{ budget: { limit: each, above: 0.5 }, to: { model: y } }',
      /looks at each call alone/,
    ],
    ['a path for a model', '{ models: [x], to: { model: a/../b } }', /must be the name of a model/],
    ['a wildcard for a model', "{ models: [x], to: { model: 'gpt-*' } }", /must be the name of a model/],
  ])('%s is refused', (_name, rule, message) => {
    const found = issuesOf(`${limits}\nrouting: { downgrade: [{ id: r, ${rule.slice(1)}] }`);
    expect(found).toEqual([typeof message === 'string' ? message : expect.stringMatching(message)]);
  });

  test('an id is unique over rules and downgrades', () => {
    expect(
      issuesOf(
        'network: { rules: [{ id: r, effect: deny, models: [x] }] }\nrouting: { downgrade: [{ id: r, models: [x], to: { model: y } }] }',
      ),
    ).toEqual(['rule id `r` is used more than once']);
  });
});

const MODELS = ['m0', 'm1', 'm2', 'm3', 'm4'];
const model = fc.constantFrom(...MODELS);
const routingOf = (edge: fc.Arbitrary<readonly [from: string, to: string]>) =>
  fc
    .record({ aliases: fc.array(edge, { maxLength: 3 }), downgrades: fc.array(edge, { maxLength: 4 }) })
    .map(({ aliases, downgrades }) => {
      const downgrade = downgrades.map(([from, to], n) => ({
        id: `r${n}`,
        models: [from],
        to: { model: to },
      }));
      const named = Object.fromEntries(aliases.map(([from, to]) => [from, { model: to }]));
      return `routing: ${JSON.stringify({ aliases: named, downgrade })}`;
    });
const anyRouting = routingOf(fc.tuple(model, model));
/** Every downgrade leads further down, so that the layer has an end for every model. */
const sensibleRouting = fc
  .array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 4 })), { maxLength: 4 })
  .map((edges) => {
    const downgrade = edges.map(([from, by], n) => ({
      id: `r${n}`,
      models: [`m${from}`],
      to: { model: `m${Math.min(4, from + by)}` },
    }));
    return `routing: ${JSON.stringify({ downgrade })}`;
  });

describe('whatever documents say', () => {
  test('a chain is bounded, and goes to no model twice but to end there', () => {
    fc.assert(
      fc.property(anyRouting, anyRouting, anyRouting, model, (global, team, local, asked) => {
        const snapshot = snapshotOf(layerOf(global), layerOf(team, 'team'), layerOf(local, 'local'));
        const { steps = [], model: final } = routeModel(snapshot, call(asked)) ?? {};
        expect(steps.length).toBeLessThanOrEqual(MODELS.length);
        const places = [asked, ...steps.map(({ to }) => to)];
        expect(new Set(places.slice(0, -1)).size).toBe(places.length - 1);
        expect(steps.map(({ from }) => from)).toEqual(places.slice(0, -1));
        if (steps.length > 0) expect(final).toBe(places.at(-1));
      }),
      { numRuns: 300 },
    );
  });

  test('a layer below does not lead a call on from where a layer above sends it, nor around it', () => {
    fc.assert(
      fc.property(sensibleRouting, anyRouting, anyRouting, model, (global, team, local, asked) => {
        const alone = snapshotOf(global);
        const all = snapshotOf(layerOf(global), layerOf(team, 'team'), layerOf(local, 'local'));
        const end = routeModel(alone, call(asked))?.model;
        const reached = routeModel(all, call(asked))?.model ?? asked;
        if (end !== undefined) expect(reached).toBe(end);
        expect(routeModel(alone, call(reached))).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});
