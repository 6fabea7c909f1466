import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FILE_RIGHTS } from '../../native/landlock.ts';
import type { GuardPolicy } from '../guard-policy.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { policyOf } from '../testing/policy-of.ts';
import { type LandlockPlan, planLandlock } from './plan-landlock.ts';

const FILES = [
  '/data/production.db',
  '/data/notes.txt',
  '/data/logs/today',
  '/home/ann/.ssh/id',
  '/home/ann/project/main.ts',
  '/usr/bin/bash = 7',
  '/usr/bin/rbash -> bash',
  '/usr/bin/bash-copy = 7',
  '/usr/bin/git',
  '/bin -> usr/bin',
  '/lib64/ld-linux-x86-64.so.2',
  '/tmp/',
];

/** Links lead patterns to further places. */
const PLAIN = FILES.filter((path) => !path.includes(' ') && !path.endsWith('/'));

const plan = (policy: GuardPolicy, files: readonly string[] = FILES) =>
  planLandlock(policy, memoryFiles(files), undefined);

/** What the kernel would say: the union of what is granted on a path and on all folders above it. */
function may({ handled, rules }: LandlockPlan, right: keyof typeof FILE_RIGHTS, path: string): boolean {
  const bit = FILE_RIGHTS[right];
  if ((handled & bit) === 0) return true;
  const above = path === '/' ? '/' : `${path}/`;
  return rules.some(
    (rule) => (rule.rights & bit) !== 0 && (rule.path === '/' || above.startsWith(`${rule.path}/`)),
  );
}

describe('what Landlock is given', () => {
  test('of a file that may not be removed, nothing in its folder can be', () => {
    const made = plan(policyOf([{ operations: ['delete'], paths: ['/data/production.db'] }]));
    expect(may(made, 'removeFile', '/data')).toBe(false);
    expect(may(made, 'removeFile', '/data/logs')).toBe(true);
    expect(may(made, 'removeFile', '/home/ann/project')).toBe(true);
    expect(may(made, 'writeFile', '/data/production.db')).toBe(true);
    expect(made.overBlocked).toEqual([
      { folder: '/', operations: ['delete'] },
      { folder: '/data', operations: ['delete'] },
    ]);
    expect(made.unexpressed).toEqual([]);
  });

  test('a folder of secrets is closed, what is beside it stays open', () => {
    const made = plan(policyOf([{ paths: ['/home/*/.ssh/**'] }]));
    expect(may(made, 'readFile', '/home/ann/.ssh/id')).toBe(false);
    expect(may(made, 'makeFile', '/home/ann/.ssh')).toBe(false);
    expect(may(made, 'readFile', '/home/ann/project/main.ts')).toBe(true);
    expect(may(made, 'makeFile', '/home/ann/project')).toBe(true);
    // A home that appears later may have such a folder.
    expect(may(made, 'makeFolder', '/home')).toBe(false);
    expect(may(made, 'readFolder', '/home/ann/.ssh')).toBe(true);
    expect(made.limits).toEqual(['listing folders that may not be read']);
  });

  test('what does not exist yet cannot be made', () => {
    const made = plan(policyOf([{ operations: ['write'], paths: ['/data/new/key'] }]));
    expect(may(made, 'makeFolder', '/data')).toBe(false);
    expect(may(made, 'makeFile', '/data/logs')).toBe(true);
  });

  test('a program that is denied by name is not executed and not read, under any of its names', () => {
    const made = plan(policyOf([{ id: 'shells', programs: ['bash'] }]));
    for (const path of ['/usr/bin/bash', '/usr/bin/bash-copy']) {
      expect(may(made, 'execute', path), path).toBe(false);
      expect(may(made, 'readFile', path), path).toBe(false);
    }
    expect(may(made, 'execute', '/usr/bin/git')).toBe(true);
    expect(may(made, 'execute', '/data/production.db')).toBe(true);
    expect(made.unexpressed).toEqual([
      { layer: 'global', rule: 'shells', because: 'bash outside the folders of PATH and of the system' },
    ]);
  });

  test('a name that is a link denies what it leads to', () => {
    const made = plan(policyOf([{ programs: ['rbash'] }]));
    expect(may(made, 'execute', '/usr/bin/bash')).toBe(false);
  });

  test('where programs are a list, the loader is on it and files in memory are not executed', () => {
    const made = plan(
      policyOf(
        [
          { verdict: 'allow', programs: ['git'] },
          { verdict: 'allow', operations: ['read', 'write'] },
        ],
        {
          fallback: 'deny',
        },
      ),
    );
    expect(may(made, 'execute', '/usr/bin/git')).toBe(true);
    expect(may(made, 'execute', '/lib64/ld-linux-x86-64.so.2')).toBe(true);
    expect(may(made, 'execute', '/usr/bin/bash')).toBe(false);
    expect(may(made, 'execute', '/tmp')).toBe(false);
    expect(made.refuseExecutableMemory).toBe(true);
    expect(made.limits).toContain(
      'code that an allowed program loads from files that it may read (ld.so, mmap)',
    );
  });

  test('the first rule that matches decides', () => {
    const made = plan(
      policyOf([
        { verdict: 'allow', operations: ['read'], paths: ['/home/ann/project/**'] },
        { operations: ['read'], paths: ['/home/**'] },
      ]),
    );
    expect(may(made, 'readFile', '/home/ann/project/main.ts')).toBe(true);
    expect(may(made, 'readFile', '/home/ann/.ssh/id')).toBe(false);
  });

  test('names in folders of any depth are said to be left out', () => {
    const made = plan(policyOf([{ id: 'env', paths: ['/**/.env'] }]));
    expect(made.unexpressed).toEqual([
      { layer: 'global', rule: 'env', because: '/**/.env, a name in folders of any depth' },
    ]);
    expect(may(made, 'readFile', '/data/production.db')).toBe(true);
  });

  test('a list in monitor mode puts nothing in force', () => {
    const made = plan(policyOf([{ paths: ['/data/**'] }], { mode: 'monitor' }));
    expect(made.handled).toBe(FILE_RIGHTS.refer);
    expect(made.overBlocked).toEqual([]);
  });

  test('another name of a refused file in an opened folder does not open it', () => {
    const files = ['/data/key = 9', '/data/other-name = 9', '/data/third'];
    const made = plan(policyOf([{ operations: ['read'], paths: ['/data/key'] }]), files);
    expect(may(made, 'readFile', '/data/other-name')).toBe(false);
    expect(may(made, 'readFile', '/data/third')).toBe(true);
    expect(made.unexpressed).toHaveLength(1);
  });

  test('links and renames between folders are left to the kernel, which lets nothing gain rights', () => {
    expect(may(plan(policyOf([{ paths: ['/data/**'] }])), 'refer', '/tmp')).toBe(true);
  });

  test('no file that a policy refuses is ever granted', () => {
    const part = fc.constantFrom('data', 'home', 'ann', 'x', '*', 'logs');
    const pattern = fc
      .tuple(fc.array(part, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([parts, below]) => `/${[...parts, ...(below ? ['**'] : [])].join('/')}`);
    const rule = fc.record({
      verdict: fc.constantFrom('allow', 'deny'),
      operations: fc.constant(['read'] as const),
      paths: fc.array(pattern, { minLength: 1, maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), fc.constantFrom('allow', 'deny'), (rules, fallback) => {
        const made = plan(policyOf(rules, { fallback }), PLAIN);
        for (const file of PLAIN) {
          const first = rules.find(({ paths }) => paths.some((glob) => oracle(glob).test(file)));
          const expected = (first?.verdict ?? fallback) === 'allow';
          expect(may(made, 'readFile', file), file).toBe(expected);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** The same pattern as a regular expression. */
function oracle(glob: string): RegExp {
  const source = glob
    .replaceAll('/**', '(/.*)?#')
    .replaceAll('*)?#', '\u0000)?')
    .replaceAll('*', '[^/]*')
    .replaceAll('\u0000', '*');
  return new RegExp(`^${source}$`);
}
