import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffPolicies } from './diff.ts';
import type { LayeredDocument } from './layer.ts';
import { PolicyDocument } from './schema.ts';

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
