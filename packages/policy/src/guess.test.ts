import { describe, expect, test } from 'vitest';
import { decide } from './decide.ts';
import { explain } from './explain.ts';
import { asksAbout } from './guess.ts';
import type { DataRequest } from './request.ts';
import { layerOf, snapshotOf } from './testing.ts';

const NAME = { class: 'person', detector: 'entity-person' };
const found = (...findings: { class: string; detector: string }[]): DataRequest => ({
  action: 'data.out',
  host: 'api.openai.com',
  findings,
});
const says = (dlp: string, request = found(NAME)) => {
  const verdict = decide(snapshotOf(layerOf(`dlp: ${dlp}`)), request);
  return verdict.effective.outcome === 'ALLOW'
    ? (verdict.obligations?.join() ?? 'allow')
    : verdict.effective.outcome;
};

describe('what a recogniser of names guessed', () => {
  test.each([
    ['a default that blocks', '{ default: block }', 'alert'],
    ['a default that redacts', '{ default: redact }', 'alert'],
    ['a default that allows', '{ default: allow }', 'allow'],
    [
      'a rule for everything',
      "{ default: allow, rules: [{ id: r, effect: block, classes: ['*'] }] }",
      'alert',
    ],
    [
      'a wildcard beside a name',
      "{ default: allow, rules: [{ id: r, effect: block, classes: ['*', credential] }] }",
      'alert',
    ],
    [
      'a rule about a place',
      '{ default: allow, rules: [{ id: r, effect: block, destinations: [api.openai.com] }] }',
      'alert',
    ],
    [
      'a question about everything',
      "{ default: allow, rules: [{ id: r, effect: prompt, detectors: ['*'] }] }",
      'alert',
    ],
    ['a rule that names its class', '{ rules: [{ id: r, effect: block, classes: [person] }] }', 'DENY'],
    [
      'a rule that names its detector',
      "{ rules: [{ id: r, effect: redact, detectors: ['entity-*'] }] }",
      'redact',
    ],
  ])('meets %s', (_what, dlp, outcome) => {
    expect(says(dlp)).toBe(outcome);
  });

  test('does not soften what is said about data beside it', () => {
    const card = { class: 'payment', detector: 'payment-card' };
    expect(says('{ default: block }', found(NAME, card))).toBe('DENY');
    expect(says('{ default: block }', found(card))).toBe('DENY');
  });

  test('is stopped by no layer that does not name it, and by each that does', () => {
    const names = layerOf(
      'dlp: { default: allow, rules: [{ id: r, effect: block, classes: [person] }] }',
      'team',
    );
    const all = layerOf('dlp: { default: block }');
    expect(decide(snapshotOf(all, names), found(NAME)).effective).toMatchObject({
      outcome: 'DENY',
      rule: 'r',
    });
  });

  test('is explained as it is decided, with the reason', () => {
    const { verdict } = explain(snapshotOf(layerOf('dlp: { default: block }')), found(NAME));
    expect(verdict.effective).toMatchObject({ outcome: 'ALLOW', rule: 'dlp/default' });
    expect(verdict.effective.reason).toContain('guessed');
  });

  test('cannot be feigned by a detector of a document', () => {
    const dlp = '{ default: block, dictionaries: [{ id: entity-mine, terms: [condor], class: person }] }';
    const own = { class: 'person', detector: 'global/entity-mine' };
    expect(says(dlp, found(own))).toBe('DENY');
  });
});

describe('whether names are worth looking for', () => {
  const asks = (dlp: string, direction: 'out' | 'in' = 'out') =>
    asksAbout(snapshotOf(layerOf(`dlp: ${dlp}`)), direction, NAME);

  test.each([
    ['{ default: block }', false],
    ["{ rules: [{ id: r, effect: block, classes: ['*'] }] }", false],
    ['{ rules: [{ id: r, effect: redact, classes: [credential] }] }', false],
    ['{ rules: [{ id: r, effect: allow, classes: [person] }] }', false],
    ['{ rules: [{ id: r, effect: alert, classes: [person] }] }', true],
    ["{ rules: [{ id: r, effect: alert, detectors: ['entity-p*'] }] }", true],
    // One that lets all pass, and one that lets some.
    [
      "{ rules: [{ id: a, effect: allow, detectors: ['entity-*'] }, { id: r, effect: alert, classes: [person] }] }",
      false,
    ],
    [
      "{ rules: [{ id: a, effect: allow, detectors: ['entity-*'], destinations: [x.example] }, { id: r, effect: alert, classes: [person] }] }",
      true,
    ],
  ])('%s: %s', (dlp, expected) => {
    expect(asks(dlp)).toBe(expected);
  });

  test('a rule of one direction does not ask in the other', () => {
    const dlp = '{ rules: [{ id: r, effect: alert, classes: [person], direction: in }] }';
    expect([asks(dlp, 'out'), asks(dlp, 'in')]).toEqual([false, true]);
  });

  test('no policy, and none about data, asks nothing', () => {
    expect(asksAbout(snapshotOf(), 'out', NAME)).toBe(false);
    expect(asksAbout(snapshotOf('network: { default: allow }'), 'out', NAME)).toBe(false);
  });
});
