import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from './decide.ts';
import { explain } from './explain.ts';
import { explainInWords } from './explain-words.ts';
import type { NetworkConnectRequest } from './request.ts';
import { layerOf, snapshotOf } from './testing.ts';

const PRIVATE = 'builtin/private-address';
const METADATA = 'builtin/metadata-address';

function to(
  host: string,
  address?: string,
  localChoice?: NetworkConnectRequest['localChoice'],
): NetworkConnectRequest {
  return { action: 'network.connect', host, port: 80, address, localChoice };
}

function networkOf(rule: string, fallback = 'allow'): string {
  return `network:\n  default: ${fallback}\n  rules:\n    - { id: r, ${rule} }\n`;
}

const OPEN = 'network: { default: allow, rules: [] }\n';

describe('an address that is not on the public internet', () => {
  test.each([
    ['10.0.0.5', undefined, PRIVATE],
    ['0x7f.1', undefined, PRIVATE],
    ['intranet.example', '192.168.1.1', PRIVATE],
    ['127.0.0.1.nip.io', '127.0.0.1', PRIVATE],
    ['rebound.example', '::ffff:10.0.0.1', PRIVATE],
    ['localhost', undefined, PRIVATE],
    ['169.254.169.254', undefined, METADATA],
    ['innocent.example', '169.254.169.254', METADATA],
    ['metadata.goog', '203.0.114.7', METADATA],
    ['innocent.example', '64:ff9b::a9fe:a9fe', METADATA],
  ])('is denied by default: %s at %s', (host, address, rule) => {
    const verdict = decide(snapshotOf(OPEN), to(host, address));
    expect(verdict).toMatchObject({ outcome: 'DENY', layer: 'builtin', rule, mode: 'enforce' });
    expect(verdict.effective).toMatchObject({ outcome: 'DENY', rule });
    expect(verdict.reason).toContain('global layer');
  });

  test.each([
    ['the host', 'effect: allow, destinations: [intranet.example]', 'intranet.example', '10.0.0.5'],
    ['a parent domain', "effect: allow, destinations: ['*.example']", 'intranet.example', '10.0.0.5'],
    ['the address in place of a name', 'effect: allow, destinations: [10.0.0.5]', '10.0.0.5', undefined],
    ['a range', 'effect: allow, when: { address: { cidr: 10.0.0.0/24 } }', 'any.example', '10.0.0.5'],
    ['the whole range', 'effect: allow, when: { address: { cidr: 10.0.0.0/8 } }', 'any.example', '10.0.0.5'],
    ['the host in a condition', 'effect: allow, when: { host: { eq: a.example } }', 'a.example', '10.0.0.5'],
    ['one of several hosts', "effect: allow, destinations: ['*', a.example]", 'a.example', '10.0.0.5'],
    ['metadata by name', 'effect: allow, destinations: [metadata.goog]', 'metadata.goog', '169.254.169.254'],
    ['metadata by address', 'effect: allow, destinations: [169.254.169.254]', '169.254.169.254', undefined],
  ])('may be reached where a rule names %s', (_what, rule, host, address) => {
    for (const fallback of ['allow', 'deny']) {
      expect(decide(snapshotOf(networkOf(rule, fallback)), to(host, address))).toMatchObject({
        outcome: 'ALLOW',
        rule: 'r',
      });
    }
  });

  test.each([
    ['everything', "effect: allow, destinations: ['*']", 'a.example', '10.0.0.5', PRIVATE],
    ['a port only', 'effect: allow, when: { port: { eq: 80 } }', 'a.example', '10.0.0.5', PRIVATE],
    ['a pattern', "effect: allow, when: { host: { regex: '.' } }", 'a.example', '10.0.0.5', PRIVATE],
    [
      'all addresses',
      'effect: allow, when: { address: { cidr: 0.0.0.0/0 } }',
      'a.example',
      '10.0.0.5',
      PRIVATE,
    ],
    [
      'a wider range',
      'effect: allow, when: { address: { cidr: 8.0.0.0/6 } }',
      'a.example',
      '10.0.0.5',
      PRIVATE,
    ],
    ['a parent of metadata', "effect: allow, destinations: ['*.goog']", 'metadata.goog', '1.1.1.1', METADATA],
    [
      'the range around metadata',
      'effect: allow, when: { address: { cidr: 169.254.0.0/16 } }',
      'a.example',
      '169.254.169.254',
      METADATA,
    ],
  ])('is still denied where a rule names %s', (_what, rule, host, address, by) => {
    expect(decide(snapshotOf(networkOf(rule)), to(host, address))).toMatchObject({
      outcome: 'DENY',
      rule: by,
    });
  });

  test('is denied by the rule that denies it, where there is one', () => {
    const snapshot = snapshotOf(networkOf('effect: deny, destinations: [169.254.169.254]'));
    expect(decide(snapshot, to('169.254.169.254')).rule).toBe('r');
  });

  test('is recorded and not blocked where every layer only records', () => {
    const verdict = decide(snapshotOf(layerOf(OPEN, 'global', 'monitor')), to('10.0.0.5'));
    expect(verdict).toMatchObject({ outcome: 'DENY', rule: PRIVATE, enforced: false });
    expect(verdict.effective.outcome).toBe('ALLOW');
  });

  test('is denied where no layer governs the network', () => {
    const snapshot = snapshotOf('tools: { default: allow }\n');
    expect(decide(snapshot, to('10.0.0.5')).effective).toMatchObject({ outcome: 'DENY', rule: PRIVATE });
  });

  test('may be reached by an exception that names it, as long as that lasts', () => {
    const snapshot = snapshotOf(
      `network: { default: deny, rules: [] }
exceptions:
  - id: printer
    rules: [network/default]
    destinations: [printer.example]
    owner: ann@example.com
    reason: The printer.
    expires: 2030-01-01T00:00:00Z
`,
    );
    const asked = to('printer.example', '10.0.0.9');
    expect(decide(snapshot, { ...asked, at: Date.UTC(2029, 0) }).outcome).toBe('ALLOW');
    expect(decide(snapshot, { ...asked, at: Date.UTC(2031, 0) }).outcome).toBe('DENY');
  });

  test.each(['team', 'local'] as const)('a rule of the %s layer does not lift the ban', (layer) => {
    const names = networkOf('effect: allow, destinations: [10.0.0.5]');
    const verdict = decide(snapshotOf(OPEN, layerOf(names, layer)), to('10.0.0.5'));
    expect(verdict.effective).toMatchObject({ outcome: 'DENY', rule: PRIVATE });
  });

  test('a lower layer never relaxes it, whatever it says', () => {
    const effect = fc.constantFrom('allow', 'deny');
    const named = fc.constantFrom('[10.0.0.5]', "['*']", "['*.example']", '[a.example]');
    const rule = fc.record({ effect, named });
    const body = fc
      .record({ fallback: effect, rules: fc.array(rule, { maxLength: 3 }) })
      .map(({ fallback, rules }) => {
        const lines = rules.map(
          (one, n) => `{ id: r${n}, effect: ${one.effect}, destinations: ${one.named} }`,
        );
        return `network: { default: ${fallback}, rules: [${lines.join(', ')}] }\n`;
      });
    const mode = fc.constantFrom('monitor', 'enforce');
    const asked = fc.constantFrom(to('10.0.0.5'), to('a.example', '10.0.0.5'), to('a.example', '1.1.1.1'));
    fc.assert(
      fc.property(body, body, mode, mode, asked, (above, below, upper, lower, request) => {
        const top = layerOf(above, 'global', upper);
        const alone = decide(snapshotOf(top), request);
        const both = decide(snapshotOf(top, layerOf(below, 'local', lower)), request);
        if (alone.outcome === 'DENY') expect(both.outcome).toBe('DENY');
        if (alone.effective.outcome === 'DENY') expect(both.effective.outcome).toBe('DENY');
      }),
      { numRuns: 300 },
    );
  });
});

describe("what the device's own configuration accounts for", () => {
  test('a local model provider may be reached on the loopback and nowhere else', () => {
    const at = (host: string) => decide(snapshotOf(OPEN), to(host, undefined, 'provider')).outcome;
    expect(['127.0.0.1', '::1', '10.0.0.5', '169.254.169.254'].map(at)).toEqual([
      'ALLOW',
      'ALLOW',
      'DENY',
      'DENY',
    ]);
  });

  test('of a host that is led elsewhere its own address does not matter', () => {
    expect(decide(snapshotOf(OPEN), to('localhost', undefined, 'mapped')).outcome).toBe('ALLOW');
  });

  test('rules hold all the same', () => {
    const snapshot = snapshotOf(networkOf('effect: deny, destinations: [127.0.0.1]'));
    expect(decide(snapshot, to('127.0.0.1', undefined, 'provider')).rule).toBe('r');
  });
});

test('a denial that may turn out otherwise once the address is known says so', () => {
  const byAddress = snapshotOf(networkOf('effect: allow, when: { address: { cidr: 10.0.0.0/24 } }', 'deny'));
  expect(decide(byAddress, to('a.example'))).toMatchObject({ outcome: 'DENY', provisional: true });
  expect(decide(byAddress, to('a.example', '10.0.0.5'))).not.toHaveProperty('provisional');
  expect(decide(byAddress, to('10.0.0.5'))).not.toHaveProperty('provisional');
  const byName = snapshotOf(networkOf('effect: deny, destinations: [a.example]'));
  expect(decide(byName, to('a.example'))).not.toHaveProperty('provisional');
});

test('an explanation says what the address is and what permits it', () => {
  const denied = explain(snapshotOf(OPEN), to('a.example', '10.0.0.5'));
  expect(denied.place).toMatchObject({ special: { class: 'private', within: '10.0.0.0/8' } });
  expect(denied.verdict.rule).toBe(PRIVATE);
  expect(explainInWords(denied).join('\n')).toContain('private (10.0.0.0/8)');
  const allowed = explain(
    snapshotOf(networkOf('effect: allow, destinations: [a.example]')),
    to('a.example', '10.0.0.5'),
  );
  expect(explainInWords(allowed).join('\n')).toContain('permitted because r names it');
  expect(explain(snapshotOf(OPEN), to('a.example', '1.1.1.1'))).not.toHaveProperty('place');
});
