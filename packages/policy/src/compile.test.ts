import { describe, expect, test } from 'vitest';
import { compilePolicy } from './compile.ts';
import { decide } from './decide.ts';
import { PolicyDocument } from './schema.ts';

const request = { action: 'network.connect', host: 'api.example.com', port: 443 } as const;

function document(): PolicyDocument {
  return PolicyDocument.parse({
    apiVersion: 'raypher/v1',
    mode: 'enforce',
    network: { rules: [{ id: 'one', effect: 'deny', destinations: ['api.example.com'] }] },
  });
}

describe('a compiled policy', () => {
  test('carries the digest of the signed bundle when there is one', () => {
    const digest = 'ab'.repeat(32);
    expect(compilePolicy({ revision: 1, digest, layers: [] }).digest).toBe(digest);
  });

  test('has a digest of its own otherwise, which depends on what it says and not on the order of layers', () => {
    const global = { layer: 'global', document: document() } as const;
    const team = { layer: 'team', document: document() } as const;
    const digest = compilePolicy({ revision: 1, layers: [global, team] }).digest;
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(compilePolicy({ revision: 1, layers: [team, global] }).digest).toBe(digest);
    expect(compilePolicy({ revision: 2, layers: [global, team] }).digest).not.toBe(digest);
    expect(compilePolicy({ revision: 1, layers: [global] }).digest).not.toBe(digest);
  });

  test('is not changed by changing the document it came from', () => {
    const source = document();
    const snapshot = compilePolicy({ revision: 1, layers: [{ layer: 'global', document: source }] });
    const before = decide(snapshot, request);
    source.mode = 'monitor';
    source.network?.rules[0]?.destinations?.splice(0);
    source.network?.rules.splice(0);
    expect(decide(snapshot, request)).toEqual(before);
    expect(before.effective.rule).toBe('one');
  });

  test('refuses two documents for one layer rather than choosing', () => {
    const layers = [
      { layer: 'global', document: document() },
      { layer: 'global', document: document() },
    ] as const;
    expect(() => compilePolicy({ revision: 1, layers })).toThrow('layer "global" has more than one document');
  });

  test('refuses documents that no parser let through', () => {
    const [repeated, unreadable] = [document(), document()];
    repeated.network?.rules.push({ id: 'one', effect: 'allow', destinations: ['*'] });
    unreadable.network?.rules.push({ id: 'two', effect: 'deny', destinations: ['*evil.com'] });
    for (const bad of [repeated, unreadable]) {
      expect(() => compilePolicy({ revision: 1, layers: [{ layer: 'team', document: bad }] })).toThrow(
        TypeError,
      );
    }
  });
});
