import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import { mayConnect } from './may-connect.ts';
import { layerOf, snapshotOf } from './testing.ts';

const TABLE: readonly (readonly [what: string, network: string, may: boolean])[] = [
  ['allowed by default', 'default: allow', true],
  ['denied by default', 'default: deny', false],
  ['named by a ban', 'default: allow, rules: [{ id: a, effect: deny, destinations: [h.example] }]', false],
  [
    'another one than the banned',
    'default: allow, rules: [{ id: a, effect: deny, destinations: [b.example] }]',
    true,
  ],
  [
    'below a banned suffix',
    "default: allow, rules: [{ id: a, effect: deny, destinations: ['*.example'] }]",
    false,
  ],
  [
    'allowed for one model, which nobody knows yet',
    'default: deny, rules: [{ id: a, effect: allow, destinations: [h.example], models: [m] }]',
    true,
  ],
  [
    'banned for one model, which nobody knows yet',
    'default: allow, rules: [{ id: a, effect: deny, destinations: [h.example], models: [m] }]',
    true,
  ],
  [
    'allowed at an address, which nobody knows yet',
    'default: deny, rules: [{ id: a, effect: allow, when: { address: { cidr: 192.0.2.0/24 } } }]',
    true,
  ],
  [
    'banned before it is allowed',
    'default: allow, rules: [{ id: a, effect: deny, destinations: [h.example] }, { id: b, effect: allow, destinations: [h.example] }]',
    false,
  ],
  ['left to a person', 'default: deny, rules: [{ id: a, effect: prompt, destinations: [h.example] }]', true],
];

test.each(TABLE)('a host that is %s', (_what, network, may) => {
  const snapshot = snapshotOf(`network: { ${network} }`);
  const request = { action: 'network.connect', host: 'h.example', port: 443 } as const;
  expect(mayConnect(snapshot, request)).toBe(may);
  if (!may) expect(decide(snapshot, request).effective.outcome).toBe('DENY');
});

test('a layer that only records bans nothing, one that is enforced bans for all', () => {
  const request = { action: 'network.connect', host: 'h.example', port: 443 } as const;
  const deny = 'network: { default: deny }';
  expect(mayConnect(snapshotOf('network: { default: allow }', layerOf(deny, 'team')), request)).toBe(false);
  expect(mayConnect(snapshotOf(layerOf(deny, 'global', 'monitor')), request)).toBe(true);
});
