import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { compilePolicy } from './compile.ts';
import { decide } from './decide.ts';
import { destinationMatches, parseDestination } from './destination.ts';
import { explain } from './explain.ts';
import { normaliseHost } from './host.ts';
import type { LayeredDocument } from './layer.ts';
import type { NetworkConnectRequest } from './request.ts';
import { PolicyDocument } from './schema.ts';
import type { Opinion } from './verdict.ts';

/** Properties are tried on thousands of policies; a busy machine takes its time. */
vi.setConfig({ testTimeout: 60_000 });

/** Written down here a second time, on purpose: these tests are the law, not a mirror of the code. */
function rank(opinion: Opinion): number {
  if (opinion.outcome === 'DENY') return 3;
  if (opinion.outcome === 'ALLOW') return 0;
  return opinion.onTimeout === 'ALLOW' ? 1 : 2;
}

/** Few names, so that rules and requests meet often. */
const label = fc.constantFrom('a', 'b', 'c');
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const destination = fc.oneof(
  name,
  name.map((suffix) => `*.${suffix}`),
  fc.constant('*'),
);
const optionalList = (items: fc.Arbitrary<string>) =>
  fc.option(fc.array(items, { minLength: 1, maxLength: 3 }), { nil: undefined });

const rule = fc
  .record({
    effect: fc.constantFrom('allow', 'deny', 'prompt'),
    timeout: fc.constantFrom('allow', 'deny', undefined),
    seconds: fc.constantFrom(5, 60, 3_600, undefined),
    approvers: fc.constantFrom(1, 2, undefined),
    destinations: optionalList(destination),
    providers: optionalList(fc.constantFrom('openai', 'anthropic')),
    models: optionalList(fc.constantFrom('m*', 'm1', '*2', '*')),
    users: optionalList(fc.constantFrom('ann', 'b*')),
  })
  .map(({ timeout, seconds, approvers, users, ...rest }) => ({
    ...rest,
    ...(rest.effect === 'prompt'
      ? withoutUndefined({ on_timeout: timeout, timeout_seconds: seconds, approvers })
      : {}),
    ...(users === undefined ? {} : { agents: { users } }),
  }))
  .filter(({ destinations, providers, models, ...rest }) => {
    return [destinations, providers, models].some((list) => list !== undefined) || 'agents' in rest;
  });

const network = fc.record({
  default: fc.constantFrom('allow', 'deny'),
  rules: fc
    .array(rule, { maxLength: 8 })
    .map((rules) => rules.map((one, n) => withoutUndefined({ ...one, id: `r${n}` }))),
});

/** One in a few has no network section: a layer without an opinion. */
const document = fc
  .record({
    mode: fc.constantFrom('monitor', 'enforce'),
    network: fc.option(network, { freq: 6, nil: undefined }),
  })
  .map(({ mode, network: section }): PolicyDocument => {
    const parsed = PolicyDocument.parse({ apiVersion: 'raypher/v1', mode, network: section ?? {} });
    if (section !== undefined) return parsed;
    const { network: _none, ...silent } = parsed;
    return silent;
  });

const layers = fc
  .record({ global: fc.option(document), team: fc.option(document), local: fc.option(document) })
  .map(({ global, team, local }) =>
    [at('global', global), at('team', team), at('local', local)].filter((one) => one !== undefined),
  );
const someLayers = layers.filter((list) => list.length > 0);

const request: fc.Arbitrary<NetworkConnectRequest> = fc.record({
  action: fc.constant('network.connect'),
  host: fc.oneof({ weight: 12, arbitrary: name }, { weight: 1, arbitrary: fc.constant('not a host') }),
  port: fc.constant(443),
  provider: fc.constantFrom('openai', 'anthropic', undefined),
  model: fc.constantFrom('m1', 'm2', 'x', null, undefined),
  agent: fc.constantFrom(
    { id: '00', name: 'n', user: 'ann', libraries: [] },
    { id: '01', name: 'n', user: 'bob', libraries: [] },
    { id: '02', name: 'n', user: 'eve', libraries: [] },
    null,
    undefined,
  ),
});

const RUNS = { numRuns: 500 };

describe('the lattice of layers', () => {
  test('adding a layer never relaxes what is carried out, nor what is recorded', () => {
    fc.assert(
      fc.property(someLayers, fc.nat(), request, (all, pick, asked) => {
        const left = all.filter((_layer, index) => index !== pick % all.length);
        fc.pre(left.length > 0);
        const before = decide(compilePolicy({ revision: 1, layers: left }), asked);
        const after = decide(compilePolicy({ revision: 1, layers: all }), asked);
        expect(rank(after.effective)).toBeGreaterThanOrEqual(rank(before.effective));
        expect(rank(after)).toBeGreaterThanOrEqual(rank(before));
        if (after.effective.outcome === 'PROMPT' && before.effective.outcome === 'PROMPT') {
          expect(after.effective.approvers).toBeGreaterThanOrEqual(before.effective.approvers ?? 1);
        }
      }),
      RUNS,
    );
  });

  test('the order in which layers are given makes no difference', () => {
    fc.assert(
      fc.property(layers, request, (all, asked) => {
        const forwards = decide(compilePolicy({ revision: 1, layers: all }), asked);
        const backwards = decide(compilePolicy({ revision: 1, layers: all.toReversed() }), asked);
        expect(backwards).toEqual(forwards);
      }),
      RUNS,
    );
  });

  test('the verdict is the strictest of what each layer says alone; what is carried out, of those enforced', () => {
    fc.assert(
      fc.property(someLayers, request, (all, asked) => {
        const speaking = all.filter((one) => one.document.network !== undefined);
        fc.pre(speaking.length > 0 && normaliseHost(asked.host) !== undefined);
        const alone = speaking.map((one) => decide(compilePolicy({ revision: 1, layers: [one] }), asked));
        const enforced = alone.filter((verdict) => verdict.enforced);
        const together = decide(compilePolicy({ revision: 1, layers: all }), asked);
        expect(rank(together)).toBe(Math.max(...alone.map(rank)));
        expect(rank(together.effective)).toBe(Math.max(0, ...enforced.map(rank)));
        if (together.enforced) expect(together.effective.rule).toBe(together.rule);
        if (rank(together.effective) > 0) expect(together.effective.mode).toBe('enforce');
      }),
      RUNS,
    );
  });

  test('turning a layer from monitor to enforce never relaxes', () => {
    fc.assert(
      fc.property(someLayers, fc.nat(), request, (all, pick, asked) => {
        const stricter = all.map((one, index) =>
          index === pick % all.length
            ? { ...one, document: { ...one.document, mode: 'enforce' as const } }
            : one,
        );
        const before = decide(compilePolicy({ revision: 1, layers: all }), asked);
        const after = decide(compilePolicy({ revision: 1, layers: stricter }), asked);
        expect(rank(after.effective)).toBeGreaterThanOrEqual(rank(before.effective));
        expect(rank(after)).toBe(rank(before));
      }),
      RUNS,
    );
  });
});

describe('the rules of one layer', () => {
  test('the first one that matches decides: trying them one by one gives the same rule as the index', () => {
    fc.assert(
      fc.property(document, request, (only, asked) => {
        const host = normaliseHost(asked.host);
        fc.pre(only.network !== undefined && host !== undefined);
        const verdict = decide(
          compilePolicy({ revision: 1, layers: [{ layer: 'global', document: only }] }),
          asked,
        );
        const first = only.network?.rules.find((one) => matchesAlone(one, asked, host ?? ''));
        expect(verdict.rule).toBe(first?.id ?? 'network/default');
      }),
      RUNS,
    );
  });

  test('rules after the one that matched make no difference', () => {
    fc.assert(
      fc.property(document, request, (only, asked) => {
        fc.pre(only.network !== undefined);
        const rules = only.network?.rules ?? [];
        const verdict = decide(
          compilePolicy({ revision: 1, layers: [{ layer: 'team', document: only }] }),
          asked,
        );
        const position = rules.findIndex((one) => one.id === verdict.rule);
        fc.pre(position !== -1);
        const cut: PolicyDocument = {
          ...only,
          network: { default: only.network?.default ?? 'deny', rules: rules.slice(0, position + 1) },
        };
        expect(
          decide(compilePolicy({ revision: 1, layers: [{ layer: 'team', document: cut }] }), asked),
        ).toEqual(verdict);
      }),
      RUNS,
    );
  });

  test('the explanation names the same rule as the decision', () => {
    fc.assert(
      fc.property(someLayers, request, (all, asked) => {
        const explained = explain(compilePolicy({ revision: 1, layers: all }), asked);
        for (const layer of explained.layers) {
          const source = all.filter((one) => one.layer === layer.layer);
          const alone = decide(compilePolicy({ revision: 1, layers: source }), asked);
          if (layer.opinion !== undefined) expect(alone).toMatchObject(layer.opinion);
          else expect(alone.layer).toBe('builtin');
          const matched = layer.rules.filter((one) => one.status === 'matched');
          expect(matched.map((one) => one.id)).toEqual(layer.decidedBy === 'rule' ? [alone.rule] : []);
        }
      }),
      RUNS,
    );
  });
});

/** A rule's meaning spelled out naively, for the few patterns that are generated here. */
function matchesAlone(
  one: NonNullable<PolicyDocument['network']>['rules'][number],
  asked: NetworkConnectRequest,
  host: string,
) {
  const isRestrictive = one.effect !== 'allow';
  const fits = (wanted: string[] | undefined, actual: string | null | undefined) => {
    if (wanted === undefined) return true;
    if (actual === null) return isRestrictive;
    if (actual === undefined) return false;
    return wanted.some((glob) => new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(actual));
  };
  const holdsHost = one.destinations?.some((pattern) => {
    const parsed = parseDestination(pattern);
    return parsed.ok && destinationMatches(parsed.destination, host);
  });
  return (
    (holdsHost ?? true) &&
    fits(one.providers, asked.provider) &&
    fits(one.models, asked.model) &&
    fits(one.agents?.users, asked.agent === null ? null : asked.agent?.user)
  );
}

function at(layer: LayeredDocument['layer'], document: PolicyDocument | null): LayeredDocument | undefined {
  return document === null ? undefined : { layer, document };
}

function withoutUndefined(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
