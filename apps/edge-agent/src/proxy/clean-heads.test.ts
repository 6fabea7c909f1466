import { expect, test } from 'vitest';
import { CleanHeads } from './clean-heads.ts';
import { providerById } from './providers.ts';

type Head = Parameters<CleanHeads['has']>[0];

const client = {};
const CLEAN = ['Host', 'a', 'Content-Length', '10', 'X-Note', 'hello'];

/** What `has` reads of a request. */
function head(over: { client?: object; path?: string; provider?: string; raw?: string[] } = {}): Head {
  const { path = '/v1/a?b=c', provider = 'openai', raw = CLEAN } = over;
  const known = { destination: { path, provider: providerById(provider) }, request: { rawHeaders: raw } };
  // The rest of a request is not looked at.
  return { client: over.client ?? client, ...known } as unknown as Head;
}

test('a head is known again, whatever the length of its body', () => {
  const heads = new CleanHeads();
  expect(heads.has(head(), '1')).toBe(false);
  heads.remember(head(), '1');
  expect(heads.has(head(), '1')).toBe(true);
  const longer = ['Host', 'a', 'Content-Length', '4711', 'X-Note', 'hello'];
  expect(heads.has(head({ raw: longer }), '1')).toBe(true);
});

test.each<[string, Parameters<typeof head>[0]]>([
  ['of another connection', { client: {} }],
  ['with another target', { path: '/v1/a?b=d' }],
  ['for another provider', { provider: 'anthropic' }],
  ['with another value', { raw: ['Host', 'a', 'Content-Length', '10', 'X-Note', 'hello!'] }],
  ['with another name', { raw: ['Host', 'a', 'Content-Length', '10', 'X-Not', 'hello'] }],
  ['with one header more', { raw: [...CLEAN, 'X-More', 'text'] }],
  ['with one header less', { raw: CLEAN.slice(0, 4) }],
])('a head %s is looked at', (_what, other) => {
  const heads = new CleanHeads();
  heads.remember(head(), '1');
  expect(heads.has(head(other), '1')).toBe(false);
});

test('another scanner looks at all of them', () => {
  const heads = new CleanHeads();
  heads.remember(head(), '1');
  expect(heads.has(head(), '2')).toBe(false);
});
