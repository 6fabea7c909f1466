import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { decide } from './decide.ts';
import { explain } from './explain.ts';
import { explainInWords } from './explain-words.ts';
import type { ActionRequest } from './request.ts';
import { layerOf, snapshotOf } from './testing.ts';
import { strictness } from './verdict.ts';

/** Properties are tried on thousands of policies; a busy machine takes its time. */
vi.setConfig({ testTimeout: 60_000 });

const effect = fc.constantFrom('allow', 'deny', 'prompt');
const fallback = fc.constantFrom('allow', 'deny');

/** Sections as JSON, which is YAML. */
const section = {
  network: fc.record({
    default: fallback,
    rules: rulesOf('n', { destinations: ['*.example'] }, { models: ['m*'] }),
  }),
  operational: fc.record({
    default: fallback,
    rules: rulesOf('o', { paths: ['/srv/**'] }, { commands: ['rm'] }, { actions: ['file.write'] }),
  }),
  tools: fc.record({ default: fallback, rules: rulesOf('t', { tools: ['q*'] }, { servers: ['db'] }) }),
  temporal: fc.record({ rules: rulesOf('p', { times: [{ from: '22:00', to: '06:00' }] }) }),
  trust: fc.record({ rules: rulesOf('u', { below: 500 }, { below: 900, actions: ['tool.call'] }) }),
  financial: fc.record({
    limits: fc
      .array(fc.record({ amount: fc.constantFrom(0, 1, 20), per: fc.constantFrom('request', 'day') }), {
        maxLength: 2,
      })
      .map((limits) => limits.map((limit, n) => ({ id: `l${n}`, scope: 'agent', ...limit }))),
  }),
};

/** Any of the sections, at least one. */
const document = fc
  .record(section, { requiredKeys: [] })
  .filter((sections) => Object.keys(sections).length > 0)
  .map((sections) =>
    Object.entries(sections)
      .map(([name, content]) => `${name}: ${JSON.stringify(content)}`)
      .join('\n'),
  );

const agent = fc
  .constantFrom(null, undefined, 499, 899, 1000)
  .map((trust) =>
    typeof trust === 'number' ? { id: 'a', name: 'n', user: 'u', libraries: [], trust } : trust,
  );
const at = fc.constantFrom(Date.parse('2026-11-20T12:00:00Z'), Date.parse('2026-11-20T23:00:00Z'));
const request: fc.Arbitrary<ActionRequest> = fc.oneof(
  fc.record({
    action: fc.constant('model.call' as const),
    host: fc.constantFrom('a.example', 'b.test', 'not a host'),
    port: fc.constant(443),
    provider: fc.constant('p'),
    model: fc.constantFrom('m1', 'x', null),
    cost: fc.constantFrom(0, 500_000, 2_000_000, null),
    agent,
    at,
  }),
  fc.record({
    action: fc.constantFrom('file.read' as const, 'file.write' as const),
    path: fc.constantFrom('/srv/x', '/etc/x', 'x'),
    agent,
    at,
  }),
  fc.record({
    action: fc.constant('process.exec' as const),
    command: fc.constantFrom('/bin/rm', 'ls'),
    arguments: fc.constantFrom(null, ['-r']),
    agent,
    at,
  }),
  fc.record({
    action: fc.constant('tool.call' as const),
    tool: fc.constantFrom('query', 'x'),
    server: fc.constantFrom('db', null, undefined),
    agent,
    at,
  }),
);

function rulesOf(prefix: string, ...matchers: object[]) {
  return fc
    .array(fc.record({ effect, matcher: fc.constantFrom(...matchers) }), { maxLength: 3 })
    .map((rules) =>
      rules.map(({ effect: one, matcher }, n) => ({ id: `${prefix}${n}`, effect: one, ...matcher })),
    );
}

test('a layer below never relaxes what the layers above say, whatever its sections are', () => {
  fc.assert(
    fc.property(
      document,
      document,
      fc.constantFrom('monitor', 'enforce'),
      request,
      (above, below, mode, asked) => {
        const alone = decide(snapshotOf(layerOf(above)), asked);
        for (const layer of ['team', 'local'] as const) {
          const both = decide(snapshotOf(layerOf(above), layerOf(below, layer, mode)), asked);
          expect(strictness(both.effective)).toBeGreaterThanOrEqual(strictness(alone.effective));
          expect(strictness(both)).toBeGreaterThanOrEqual(strictness(alone));
          if (mode === 'monitor') expect(strictness(both.effective)).toBe(strictness(alone.effective));
        }
      },
    ),
    { numRuns: 250 },
  );
});

test('the explanation names what decided, in sentences', () => {
  fc.assert(
    fc.property(document, request, (source, asked) => {
      const explained = explain(snapshotOf(source), asked);
      const [layer] = explained.layers;
      if (explained.verdict.layer !== 'builtin') expect(layer?.opinion?.rule).toBe(explained.verdict.rule);
      else expect(layer?.opinion).toBeUndefined();
      expect(explainInWords(explained)[0]).toContain(explained.verdict.rule);
    }),
    { numRuns: 250 },
  );
});
