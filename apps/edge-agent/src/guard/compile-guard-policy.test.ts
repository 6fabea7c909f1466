import { compilePathGlob, compilePolicy, decide, type PolicyLayer, parsePolicy } from '@raypher/policy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGuardPolicy } from './compile-guard-policy.ts';
import type { FileOperation, GuardPolicy } from './guard-policy.ts';

const ACTING = {
  agent: { id: 'a'.repeat(64), name: 'aider', user: 'ann', libraries: [], labels: null },
  identity: 'tpm',
  at: Date.UTC(2026, 10, 30, 23),
} as const;

function compile(documents: Partial<Record<PolicyLayer, string>>) {
  const layers = Object.entries(documents).map(([layer, source]) => {
    // The keys of the record are layers.
    const parsed = parsePolicy(`apiVersion: raypher/v1\n${source}`, { layer: layer as PolicyLayer });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
    return parsed;
  });
  const snapshot = compilePolicy({ revision: 7, layers });
  return { snapshot, ...compileGuardPolicy(snapshot, ACTING) };
}

const enforce = (source: string) => compile({ global: `mode: enforce\n${source}` });

describe('what a kernel is given', () => {
  test('one list a layer, with rules in order and the operations they are for', () => {
    const { policy, unexpressed } = enforce(`operational:
  default: allow
  rules:
    - { id: keys, effect: deny, actions: [file.read, file.write], paths: ["/etc/shadow"] }
    - { id: shells, effect: deny, commands: [bash] }
`);
    expect(policy).toMatchObject({
      revision: 7,
      network: 'enforce',
      lists: [
        {
          layer: 'global',
          mode: 'enforce',
          rules: [
            { id: 'keys', verdict: 'deny', operations: ['read', 'write'], paths: ['/etc/shadow'] },
            { id: 'shells', verdict: 'deny', operations: ['execute'], programs: ['bash'] },
          ],
          defaults: { read: 'allow', write: 'allow', delete: 'allow', execute: 'allow' },
        },
      ],
    });
    expect(unexpressed).toEqual([]);
  });

  test('a rule that asks for arguments is left to the gate, and that is said', () => {
    const { policy, unexpressed } = enforce(`operational:
  rules: [{ id: push, effect: deny, commands: [git], arguments: [push] }]
`);
    expect(policy.lists[0]?.rules).toEqual([]);
    expect(unexpressed).toEqual([
      { layer: 'global', rule: 'push', because: 'it depends on arguments, which a kernel does not see' },
    ]);
  });

  test('who would have to be asked is refused, unless silence allows', () => {
    const { policy } = enforce(`operational:
  rules:
    - { id: ask, effect: prompt, paths: [/a] }
    - { id: ask-softly, effect: prompt, on_timeout: allow, paths: [/b] }
`);
    expect(policy.lists[0]?.rules.map(({ id, verdict }) => [id, verdict])).toEqual([
      ['ask', 'deny'],
      ['ask-softly', 'allow'],
    ]);
  });

  test('what holds at this hour, and for this trust, holds for every file', () => {
    const { policy } = enforce(`operational: { default: allow, rules: [] }
temporal:
  rules: [{ id: night, effect: deny, actions: [file.delete], times: [{ from: "22:00", to: "06:00" }] }]
trust:
  rules: [{ id: unknown, effect: deny, below: 500, actions: [process.exec] }]
`);
    expect(policy.lists[0]?.rules).toMatchObject([
      { id: 'night', operations: ['delete'], paths: undefined },
      { id: 'unknown', operations: ['execute'], programs: undefined },
    ]);
  });

  test('classes of devices become their files; one that nobody knows is reported', () => {
    const { policy, unexpressed } = enforce(`operational:
  default: allow
  rules:
    - { id: no-camera, effect: deny, actions: [device.open], device_classes: [camera] }
    - { id: no-teleporter, effect: deny, actions: [device.open], device_classes: [teleporter] }
`);
    expect(policy.lists[0]?.rules).toMatchObject([
      { id: 'no-camera', operations: ['read', 'write'], paths: ['/dev/video*', '/dev/media*'] },
    ]);
    expect(unexpressed).toMatchObject([{ rule: 'no-teleporter' }]);
  });

  test('a layer in monitor mode stays one', () => {
    const { policy } = compile({
      global: 'mode: monitor\noperational: { default: deny, rules: [] }',
      local: 'mode: enforce\noperational: { default: allow, rules: [] }',
    });
    expect(policy.lists.map(({ layer, mode }) => [layer, mode])).toEqual([
      ['global', 'monitor'],
      ['local', 'enforce'],
    ]);
  });

  test('the same rules have the same digest, whatever the revision', () => {
    const source = 'operational: { default: deny, rules: [] }';
    expect(enforce(source).policy.digest).toBe(enforce(source).policy.digest);
    expect(enforce(source).policy.digest).not.toBe(
      enforce('operational: { default: allow, rules: [] }').policy.digest,
    );
  });
});

test('a kernel that does as it is told decides about files as the policy does', () => {
  const rule = fc.record({
    effect: fc.constantFrom('allow', 'deny'),
    actions: fc.option(
      fc.subarray(['file.read', 'file.write', 'file.delete', 'process.exec'], { minLength: 1 }),
      {
        nil: undefined,
      },
    ),
    paths: fc.subarray(['/srv/**', '/srv/a', '/etc/*', '**/.env'], { minLength: 1 }),
  });
  const document = fc.record({
    mode: fc.constantFrom('enforce', 'monitor'),
    default: fc.constantFrom('allow', 'deny'),
    rules: fc.array(rule, { maxLength: 5 }),
  });
  fc.assert(
    fc.property(
      fc.array(document, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('read', 'write', 'delete'),
      fc.constantFrom('/srv/a', '/srv/b/c', '/etc/x', '/home/ann/.env'),
      (documents, operation, path) => {
        const names = ['global', 'team', 'local'] as const;
        const sources = documents.map(({ mode, ...operational }, at): [PolicyLayer, string] => {
          const rules = operational.rules.map((more, number) => ({ id: `r${number}`, ...more }));
          const section = JSON.stringify({ default: operational.default, rules });
          return [names[at] ?? 'local', `mode: ${mode}\noperational: ${section}`];
        });
        const { snapshot, policy } = compile(Object.fromEntries(sources));
        const { effective } = decide(snapshot, { action: `file.${operation}`, path, ...ACTING });
        expect(isDenied(policy, operation, path)).toBe(effective.outcome === 'DENY');
      },
    ),
  );
});

function isDenied({ lists }: GuardPolicy, operation: FileOperation, path: string): boolean {
  return lists.some(({ mode, rules, defaults }) => {
    const rule = rules.find(
      ({ operations, paths }) =>
        operations.includes(operation) &&
        (paths === undefined || paths.some((pattern) => compilePathGlob(pattern)(path))),
    );
    return mode === 'enforce' && (rule?.verdict ?? defaults[operation]) === 'deny';
  });
}
