import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeInWords } from './change-words.ts';
import { diffPolicies } from './diff.ts';
import type { LayeredDocument } from './layer.ts';
import { PolicyDocument } from './schema.ts';
import { layerOf } from './testing.ts';

const deny = (id: string, destination = '*') => ({ id, effect: 'deny', destinations: [destination] });

describe('what changes between two policies', () => {
  test('nothing, when they say the same', () => {
    expect(diffPolicies([global('monitor', [deny('a')])], [global('monitor', [deny('a')])])).toEqual([]);
    expect(diffPolicies([], [])).toEqual([]);
  });

  test('mode, default, and rules added, removed and changed', () => {
    const before = [global('monitor', [deny('kept'), deny('gone'), deny('edited', 'a.example')], 'allow')];
    const after = [global('enforce', [deny('kept'), deny('edited', 'b.example'), deny('new')])];
    expect(diffPolicies(before, after)).toMatchObject([
      { kind: 'mode-changed', layer: 'global', before: 'monitor', after: 'enforce' },
      { kind: 'default-changed', layer: 'global', before: 'allow', after: 'deny' },
      { kind: 'rule-removed', rule: 'gone' },
      {
        kind: 'rule-changed',
        rule: 'edited',
        before: { destinations: ['a.example'] },
        after: { destinations: ['b.example'] },
      },
      { kind: 'rule-added', rule: 'new' },
    ]);
  });

  test('the order of rules alone, because the first match decides', () => {
    const changes = diffPolicies(
      [global('enforce', [deny('a'), deny('b')])],
      [global('enforce', [deny('b'), deny('new'), deny('a')])],
    );
    expect(changes).toMatchObject([
      { kind: 'rule-added', rule: 'new' },
      { kind: 'rules-reordered', before: ['a', 'b'], after: ['b', 'a'] },
    ]);
  });

  test('routing, detectors and settings, in words', () => {
    const words = (before: string, after: string) =>
      diffPolicies([layerOf(before)], [layerOf(after)]).map(changeInWords);
    const limit = (amount: number) =>
      `financial: { limits: [{ id: day, per: day, scope: agent, amount: ${amount} }] }`;
    expect(words(limit(5), limit(20))).toEqual(['Rule day: deny above $5 → deny above $20']);
    expect(
      words(
        'routing: { aliases: { a: { model: x }, b: { model: y } }, downgrade: [{ id: r, models: [m], to: { model: x } }] }',
        'routing: { aliases: { b: { model: y }, a: { model: z } }, downgrade: [{ id: r, models: [n], to: { model: x } }] }',
      ),
    ).toEqual(['Rule r changed', 'Rule routing/aliases/a: for x → for z']);
    expect(
      words(
        'dlp: { patterns: [{ id: p, pattern: ab }], dictionaries: [{ id: d, terms: [cd] }] }',
        'timezone: Europe/Berlin\ndlp: { on_unscannable: alert, reversible: true, dictionaries: [{ id: d, terms: [ce] }] }',
      ),
    ).toEqual([
      'timezone: not set → Europe/Berlin',
      'dlp.on_unscannable: block → alert',
      'dlp.reversible: not set → true',
      'Rule p removed: finds custom data',
      'Rule d changed',
    ]);
  });

  test('a layer that comes or goes, with all that it says', () => {
    const one = [global('enforce', [deny('a')])];
    expect(diffPolicies([], one).map(({ kind }) => kind)).toEqual([
      'layer-added',
      'mode-changed',
      'default-changed',
      'rule-added',
    ]);
    expect(diffPolicies(one, []).map(({ kind }) => kind)).toEqual([
      'layer-removed',
      'mode-changed',
      'default-changed',
      'rule-removed',
    ]);
  });

  test('no changes means the same rules in the same order, and the other way round', () => {
    const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'));
    fc.assert(
      fc.property(ids, ids, (before, after) => {
        const changes = diffPolicies(
          [
            global(
              'enforce',
              before.map((id) => deny(id)),
            ),
          ],
          [
            global(
              'enforce',
              after.map((id) => deny(id)),
            ),
          ],
        );
        expect(changes.length === 0).toBe(before.join() === after.join());
      }),
    );
  });
});

function global(mode: string, rules: unknown[], fallback = 'deny'): LayeredDocument {
  const network = { default: fallback, rules };
  return { layer: 'global', document: PolicyDocument.parse({ apiVersion: 'raypher/v1', mode, network }) };
}
