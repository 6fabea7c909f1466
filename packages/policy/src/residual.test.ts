import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePolicy } from './compile.ts';
import { decide } from './decide.ts';
import { compileGlob } from './glob.ts';
import { parsePolicy } from './parse.ts';
import { compilePathGlob } from './path-glob.ts';
import type { ActionRequest, RequestingAgent } from './request.ts';
import {
  MACHINE_ACTIONS,
  type MachineAction,
  type Residual,
  type ResidualRule,
  residualRules,
} from './residual.ts';

const AT = Date.UTC(2026, 10, 30, 12);
const agent = (more: Partial<RequestingAgent> = {}): RequestingAgent => ({
  id: 'a'.repeat(64),
  name: 'aider',
  user: 'ann',
  libraries: [],
  labels: null,
  ...more,
});

function snapshotOf(...sources: [layer: 'global' | 'team' | 'local', source: string][]) {
  const layers = sources.map(([layer, source]) => {
    const parsed = parsePolicy(source, { layer });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
    return parsed;
  });
  return compilePolicy({ revision: 1, layers });
}

const one = (source: string, action: MachineAction, acting = agent()): Residual[] =>
  residualRules(snapshotOf(['global', `apiVersion: raypher/v1\nmode: enforce\n${source}`]), action, {
    agent: acting,
    identity: 'tpm',
    at: AT,
  });

describe('what is left of a policy when only the thing is not known', () => {
  const FILES = `operational:
  default: deny
  rules:
    - { id: keys, effect: deny, paths: ["~/.ssh/**"] }
    - { id: ann-only, effect: allow, actions: [file.read], paths: ["/srv/**"], agents: { users: [ann] } }
    - { id: shells, effect: deny, commands: [sh, /usr/bin/bash] }
    - { id: by-argument, effect: deny, commands: [git], arguments: [push] }
`;

  test('patterns of paths, with homes written out', () => {
    const [section] = one(FILES, 'file.read');
    expect(section?.rules.map(({ id }) => id)).toEqual(['keys', 'ann-only']);
    expect(section?.rules[0]?.paths).toContain('/home/*/.ssh/**');
    expect(section?.fallback).toMatchObject({ id: 'operational/default', outcome: 'DENY' });
  });

  test('rules for others are gone', () => {
    const [section] = one(FILES, 'file.read', agent({ user: 'bob' }));
    expect(section?.rules.map(({ id }) => id)).toEqual(['keys']);
  });

  test('programs, and conditions that are more than a pattern by their name', () => {
    const [section] = one(FILES, 'process.exec');
    expect(section?.rules.map(({ id, commands, others }) => ({ id, commands, others }))).toEqual([
      { id: 'shells', commands: ['sh', '/usr/bin/bash'], others: [] },
      { id: 'by-argument', commands: ['git'], others: ['arguments'] },
    ]);
  });

  test('an exception that fits wholly stands in for its rule, one that has ended does not', () => {
    const rules = (expires: string) =>
      one(
        `operational:
  rules: [{ id: keys, effect: deny, paths: [/k/**] }]
exceptions:
  - { id: ann-may, rules: [keys], agents: { users: [ann] }, owner: o@example.com, reason: r, expires: ${expires} }
`,
        'file.read',
      )[0]?.rules.map(({ id, outcome }) => [id, outcome]);
    expect(rules('2099-01-01T00:00:00Z')).toEqual([['ann-may', 'ALLOW']]);
    expect(rules('2020-01-01T00:00:00Z')).toEqual([['keys', 'DENY']]);
  });

  test('a narrower exception comes before its rule; one that only overlaps says that it cannot be said', () => {
    const EXCEPTION = (paths: string) => `operational:
  rules: [{ id: keys, effect: deny, paths: [/k/**, /l/**] }]
exceptions:
  - { id: but, rules: [keys], paths: [${paths}], owner: o@example.com, reason: r, expires: 2099-01-01T00:00:00Z }
`;
    expect(one(EXCEPTION('/l/**'), 'file.read')[0]?.rules.map(({ id, others }) => [id, others])).toEqual([
      ['but', []],
      ['keys', []],
    ]);
    expect(one(EXCEPTION('/m/**'), 'file.read')[0]?.rules[0]?.others).toEqual([
      'the rule that it is an exception from',
    ]);
  });
});

test('whatever the thing is, the residual decides as the whole policy does', () => {
  const PATHS = ['/srv/a', '/srv/a/b', '/home/ann/.ssh/id', '/etc/shadow', '/x/.env'];
  const PATTERNS = ['/srv/**', '/srv/a', '~/.ssh/**', '**/.env', '/etc/*'];
  const COMMANDS = ['/bin/sh', '/usr/bin/git', '/usr/bin/python3'];
  const NAMES = ['sh', 'git', '/usr/bin/python3', 'py*'];
  const rule = fc.record({
    effect: fc.constantFrom('allow', 'deny', 'prompt'),
    actions: fc.option(fc.subarray([...MACHINE_ACTIONS].slice(0, 4), { minLength: 1 }), { nil: undefined }),
    paths: fc.option(fc.subarray(PATTERNS, { minLength: 1 }), { nil: undefined }),
    commands: fc.option(fc.subarray(NAMES, { minLength: 1 }), { nil: undefined }),
    users: fc.option(fc.constantFrom('ann', 'bob'), { nil: undefined }),
  });
  const section = fc.record({
    default: fc.constantFrom('allow', 'deny'),
    rules: fc.array(rule, { maxLength: 5 }),
  });
  fc.assert(
    fc.property(
      fc.array(section, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('file.read', 'file.write', 'file.delete', 'process.exec'),
      fc.constantFrom(...PATHS),
      fc.constantFrom(...COMMANDS),
      (sections, action, path, command) => {
        const names = ['global', 'team', 'local'] as const;
        const snapshot = snapshotOf(
          ...sections.map(({ default: fallback, rules }, at): ['global' | 'team' | 'local', string] => [
            names[at] ?? 'local',
            JSON.stringify({
              apiVersion: 'raypher/v1',
              mode: 'enforce',
              operational: {
                default: fallback,
                rules: rules.map(({ users, ...more }, number) => ({
                  id: `r${number}`,
                  ...more,
                  actions: more.actions ?? ['file.read', 'file.write', 'file.delete', 'process.exec'],
                  ...(users === undefined ? {} : { agents: { users: [users] } }),
                })),
              },
            }),
          ]),
        );
        const acting = { agent: agent(), identity: 'tpm', at: AT } as const;
        const request: ActionRequest =
          action === 'process.exec'
            ? { action, command, arguments: [], ...acting }
            : { action, path, ...acting };
        const found = residualRules(snapshot, action, acting).map(
          ({ rules, fallback }) =>
            rules.find((left) => fits(left, path, command))?.outcome ?? fallback?.outcome,
        );
        const strictest = ['DENY', 'PROMPT', 'ALLOW'].find((outcome) => found.some((one) => one === outcome));
        expect(strictest ?? 'ALLOW').toBe(decide(snapshot, request).outcome);
      },
    ),
  );
});

function fits({ paths, commands }: ResidualRule, path: string, command: string): boolean {
  const names = [command, command.slice(command.lastIndexOf('/') + 1)];
  return (
    (paths?.some((pattern) => compilePathGlob(pattern)(path)) ?? true) &&
    (commands?.some((pattern) => names.some((name) => compileGlob(pattern)(name))) ?? true)
  );
}
