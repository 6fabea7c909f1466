import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Facts } from './facts.ts';
import { compileMatchers, matchersHold } from './matcher.ts';
import type { ModelCallRequest } from './request.ts';
import { allMatches, buildRuleIndex, firstMatch } from './rule-index.ts';

/** Properties are tried on thousands of policies; a busy machine takes its time. */
vi.setConfig({ testTimeout: 60_000 });

const word = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), minLength: 1, maxLength: 6 });
/** Some long, so that their literal ends are cut. */
const name = fc.oneof(
  word,
  word.map((end) => `${'ab'.repeat(40)}${end}`),
);
const glob = fc.oneof(
  name,
  name.map((text) => `${text}*`),
  name.map((text) => `*${text}`),
  fc.tuple(name, name).map(([start, end]) => `${start}*${end}`),
  word.map((text) => `*${text}*`),
  fc.constant('*'),
);
const list = fc.option(fc.array(glob, { minLength: 1, maxLength: 3 }), { nil: undefined });
const rule = fc.record({
  models: list,
  agents: fc.record({ names: list, users: list, libraries: list }),
  restricts: fc.boolean(),
});
const request = fc.record({
  model: fc.oneof(name, fc.constant(null)),
  agent: fc.option(fc.record({ id: name, name, user: name, libraries: fc.array(name, { maxLength: 3 }) })),
});

test('the index finds what trying every rule finds', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 12 }), request, (written, { model, agent }) => {
      const rules = written.map(({ restricts, ...matchable }) => ({
        matchers: compileMatchers(matchable, 'UTC'),
        matchesUnreadable: restricts,
      }));
      const asked: ModelCallRequest = {
        action: 'model.call',
        host: 'h',
        port: 1,
        provider: 'p',
        model,
        agent,
      };
      const matching = rules
        .map(({ matchers, matchesUnreadable }, number) =>
          matchersHold(matchers, new Facts(asked, 'h'), matchesUnreadable) ? number : -1,
        )
        .filter((number) => number !== -1);
      const index = buildRuleIndex(rules);
      expect(allMatches(index, rules, new Facts(asked, 'h'))).toEqual(matching);
      expect(firstMatch(index, rules, new Facts(asked, 'h'))).toBe(matching[0] ?? -1);
    }),
    { numRuns: 2000 },
  );
});
