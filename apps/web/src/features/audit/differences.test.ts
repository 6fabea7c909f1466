import { describe, expect, it } from 'vitest';
import { differences } from './differences.ts';

describe('before and after', () => {
  it('tells the leaves that differ, by path', () => {
    const before = { role: 'auditor', team: { id: 'a', name: 'Design' }, scopes: ['x'] };
    const after = { role: 'admin', team: { id: 'a', name: 'Research' }, scopes: ['x', 'y'] };
    expect(differences(before, after)).toEqual([
      { path: 'role', before: 'auditor', after: 'admin' },
      { path: 'team.name', before: 'Design', after: 'Research' },
      { path: 'scopes[1]', after: 'y' },
    ]);
  });

  it('tells a new object leaf by leaf', () => {
    expect(differences(null, { name: 'Laptops', uses: 3 })).toEqual([
      { path: 'name', after: 'Laptops' },
      { path: 'uses', after: '3' },
    ]);
  });

  it('tells a removed object leaf by leaf', () => {
    expect(differences({ name: 'Laptops' }, null)).toEqual([{ path: 'name', before: 'Laptops' }]);
  });

  it('tells null apart from absent', () => {
    expect(differences({ revokedAt: null }, { revokedAt: '2026' })).toEqual([
      { path: 'revokedAt', before: 'null', after: '2026' },
    ]);
  });

  it('says nothing about equal values', () => {
    expect(differences({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toEqual([]);
    expect(differences(null, null)).toEqual([]);
  });
});
