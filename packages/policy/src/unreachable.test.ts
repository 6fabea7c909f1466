import { describe, expect, it } from 'vitest';
import { parsePolicy } from './parse.ts';
import { unreachableRules } from './unreachable.ts';

function warnings(rules: string, section = 'network') {
  const source = `apiVersion: raypher/v1\nmode: enforce\n${section}:\n  rules:\n${rules}`;
  const parsed = parsePolicy(source, { layer: 'global' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return unreachableRules(source, parsed.document);
}
const rule = (id: string, effect: string, rest: string) =>
  `    - { id: ${id}, effect: ${effect}, ${rest} }\n`;
const of = (...rules: string[]) =>
  warnings(rules.join('')).map(({ message }) => /^rule `(.*?)`/.exec(message)?.[1]);

describe('rules that never decide', () => {
  it('are told with their place and the rule that stands before them', () => {
    expect(
      warnings(
        rule('a', 'deny', "destinations: ['*.x.example']") +
          rule('b', 'allow', 'destinations: [y.x.example]'),
      ),
    ).toEqual([
      {
        code: 'policy/unreachable',
        message: 'rule `b` never decides: `a` stands before it and matches all that it matches',
        line: 6,
        column: 13,
        endLine: 6,
        endColumn: 14,
        path: 'network.rules[1]',
      },
    ]);
  });

  it.each([
    ['the same twice', rule('a', 'deny', 'models: [x]'), rule('b', 'deny', 'models: [x]')],
    [
      'a longer list before a shorter one',
      rule('a', 'deny', 'models: [x, y]'),
      rule('b', 'allow', 'models: [y]'),
    ],
    ['everything', rule('a', 'allow', "destinations: ['*']"), rule('b', 'deny', 'destinations: [x.example]')],
    [
      'a narrower rule after a wider one',
      rule('a', 'deny', 'models: [x]'),
      rule('b', 'deny', 'models: [x], agents: { users: [kim] }'),
    ],
    [
      'AI agents among more AI agents',
      rule('a', 'deny', 'agents: { users: [kim, ada] }'),
      rule('b', 'allow', 'agents: { users: [kim], names: [n] }'),
    ],
  ])('%s', (_name, ...rules) => {
    expect(of(...rules)).toEqual(['b']);
  });

  it.each([
    ['a host beside the subdomains', "destinations: ['*.x.example']", 'destinations: [x.example]'],
    ['another host that ends alike', "destinations: ['*.x.example']", 'destinations: [evilx.example]'],
    ['a wider rule after a narrower one', 'models: [x], agents: { users: [kim] }', 'models: [x]'],
    [
      'other windows of time',
      "models: [x], times: [{ from: '22:00' }]",
      "models: [x], times: [{ from: '21:00' }]",
    ],
    ['what one of them does not ask for', 'models: [x]', 'providers: [openai]'],
  ])('not %s', (_name, before, after) => {
    expect(of(rule('a', 'deny', before), rule('b', 'deny', after))).toEqual([]);
  });

  it('not a restriction behind a permission whose facts may be unknown: it decides where they are', () => {
    expect(of(rule('a', 'allow', 'models: [x]'), rule('b', 'deny', 'models: [x]'))).toEqual([]);
    expect(of(rule('a', 'allow', 'models: [x]'), rule('b', 'allow', 'models: [x]'))).toEqual(['b']);
  });

  it('follow trust scores and directions', () => {
    expect(
      warnings(rule('a', 'deny', 'below: 500') + rule('b', 'prompt', 'below: 300'), 'trust'),
    ).toHaveLength(1);
    expect(warnings(rule('a', 'deny', 'below: 300') + rule('b', 'prompt', 'below: 500'), 'trust')).toEqual(
      [],
    );
    const dlp = (first: string, second: string) =>
      warnings(
        rule('a', 'block', `classes: [credential], direction: ${first}`) +
          rule('b', 'redact', `classes: [credential], direction: ${second}`),
        'dlp',
      );
    expect(dlp('both', 'out')).toHaveLength(1);
    expect(dlp('in', 'out')).toEqual([]);
  });
});
