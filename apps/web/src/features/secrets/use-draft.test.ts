import { describe, expect, it } from 'vitest';
import { EMPTY_USE, purposeProblem, writtenUse } from './use-draft.ts';

const draft = { ...EMPTY_USE, hosts: 'API.github.com, *.example.com' };

describe('what a value is for', () => {
  it('is written as the device reads it', () => {
    expect(writtenUse({ ...draft, methods: 'get post', paths: '/repos/**', maxUses: '100' })).toEqual({
      hosts: ['api.github.com', '*.example.com'],
      methods: ['GET', 'POST'],
      paths: ['/repos/**'],
      in: [{ header: 'authorization', scheme: 'Bearer' }],
      maxUses: 100,
    });
    expect(writtenUse({ ...draft, kind: 'json', place: '/auth/token' }).in).toEqual([
      { json: '/auth/token' },
    ]);
    expect(writtenUse({ ...draft, kind: 'header', place: 'X-Key' }).in).toEqual([{ header: 'x-key' }]);
  });

  it.each([
    ['no host', { hosts: ' ' }, /Name a host/],
    ['any host', { hosts: '*' }, /A host is/],
    ['no place', { place: '' }, /where the key belongs/],
    ['the host header', { place: 'host' }, /no place/],
    ['a third part of basic', { kind: 'basic' as const, place: 'realm' }, /no place/],
    ['another method', { methods: 'TRACE' }, /Methods are/],
    ['a path without a slash', { paths: 'repos' }, /A path begins/],
    ['no uses', { maxUses: '0' }, /at least 1/],
    ['a word for a number', { maxUses: 'many' }, /at least 1/],
  ])('is not %s', (_, change, problem) => {
    expect(purposeProblem({ ...draft, ...change })).toMatch(problem);
    expect(purposeProblem(draft)).toBeUndefined();
  });
});
