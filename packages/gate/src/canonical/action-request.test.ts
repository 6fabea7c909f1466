import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { portablePrimitives } from '../primitives/portable-primitives.ts';
import { canonicalAction, readAction } from './action-request.ts';

const write = { v: 1, action: 'file.write', target: '/srv/a.txt', arguments: { mode: 'w', bytes: 12 } };
const hash = (request: unknown) => canonicalAction(request, portablePrimitives).car;

describe('the hash of an action request', () => {
  it('is SHA-256 of its canonical text', () => {
    const text = '{"action":"file.write","arguments":{"bytes":12,"mode":"w"},"target":"/srv/a.txt","v":1}';
    expect(canonicalAction(write, portablePrimitives)).toEqual({
      car: createHash('sha256').update(text).digest('hex'),
      text,
      normalised: false,
    });
  });

  it.each([
    ['another version', { ...write, v: 2 }],
    ['no action', { v: 1, target: 'x' }],
    ['an action that is no name', { ...write, action: 'File.Write' }],
    ['an action without a dot', { ...write, action: 'write' }],
    ['an empty target', { ...write, target: '' }],
    ['a member nobody knows', { ...write, agent: 'somebody else' }],
    ['a context that is a list', { ...write, context: ['x'] }],
    ['a text', 'file.write'],
    ['a list', [write]],
    ['nothing', null],
  ])('does not exist for %s', (_what, request) => {
    expect(() => hash(request)).toThrow(/not an action request/);
  });

  it('changes with everything in the request', () => {
    const variants = [
      write,
      { ...write, action: 'file.read' },
      { ...write, target: '/srv/a.txt ' },
      { ...write, arguments: { mode: 'w', bytes: '12' } },
      { ...write, arguments: undefined, context: {} },
      { v: 1, action: 'file.write', target: '/srv/a.txt', arguments: null },
      { v: 1, action: 'file.write', target: '/srv/a.txt' },
    ].map(({ arguments: given, ...rest }) => (given === undefined ? rest : { ...rest, arguments: given }));
    expect(new Set(variants.map(hash)).size).toBe(variants.length);
  });

  it('is of what the policy is asked about', () => {
    const { text } = canonicalAction({ ...write, target: '/srv/cafe\u0301' }, portablePrimitives);
    expect(readAction(text).target).toBe('/srv/café');
  });
});
