import { basename, dirname } from 'node:path';
import { compilePathGlob } from '@raypher/policy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FileOperation, GuardList, GuardPolicy, GuardRule } from '../guard-policy.ts';
import { FILE_OPERATIONS } from '../guard-policy.ts';
import { encodePolicy, type FileSystemView } from './encode-policy.ts';
import {
  affixKey,
  type Inode,
  inodeKey,
  MAX_LISTS,
  nameKey,
  RANK_DEFAULT,
  RANKS_BYTES,
  REACHES,
  rankOffset,
  WORDS_BYTES,
} from './layout.ts';
import type { ResolvedPlace } from './resolve-place.ts';

const NO_OWN: GuardList = { layer: 'local', section: 'self', mode: 'enforce', rules: [], defaults: {} };
const NAMES = ['a', 'b', 'env', 'x.pem'];
/** All paths of up to three parts out of the names. */
const PATHS = [
  '/',
  ...NAMES.flatMap((one) => [
    `/${one}`,
    ...NAMES.flatMap((two) => [`/${one}/${two}`, ...NAMES.map((three) => `/${one}/${two}/${three}`)]),
  ]),
];
const INODES = new Map(
  PATHS.map((path, index): [string, Inode] => [path, { dev: 8, ino: BigInt(index + 2) }]),
);

/** A file system in which every path is a file with a number of its own. */
const VIEW: FileSystemView = {
  mounts: [],
  resolve: ({ base, parts, reach }) => {
    const matches = compilePathGlob([base === '/' ? '' : base, ...parts].join('/') || '/');
    const places = PATHS.filter((path) => matches(path)).flatMap((path): ResolvedPlace[] => {
      const inode = INODES.get(path);
      const folder = path === '/' ? undefined : INODES.get(dirname(path));
      return [
        ...(inode === undefined ? [] : [{ inode, reach }]),
        ...(folder === undefined ? [] : [{ folder, name: basename(path), reach }]),
      ];
    });
    return { places, gap: undefined };
  },
};

/** What the kernel programs do (bpf/walk.h), in words that a test can run. */
function kernelSays(policy: GuardPolicy, path: string, operation: FileOperation): 'allow' | 'deny' {
  const { value, table } = encodePolicy(policy, NO_OWN, VIEW);
  const entries = new Map(
    [...table.inodes(1), ...table.names(1), ...table.affixes(1)].map(([key, ranks]) => [
      key.toString('hex'),
      ranks,
    ]),
  );
  const best = Buffer.from(value.subarray(24));
  const merge = (ranks: Buffer | undefined, depth: number): void => {
    if (ranks === undefined) return;
    expect(ranks).toHaveLength(RANKS_BYTES);
    for (const [reach, applies] of [
      ['self', depth === 0],
      ['child', depth === 1],
      ['below', true],
    ] as const) {
      if (!applies) continue;
      for (let at = 0; at < WORDS_BYTES; at += 2) {
        best.writeUInt16LE(
          Math.min(best.readUInt16LE(at), ranks.readUInt16LE(REACHES[reach] * WORDS_BYTES + at)),
          at,
        );
      }
    }
  };
  for (let [current, depth] = [path, 0]; ; [current, depth] = [dirname(current), depth + 1]) {
    const inode = INODES.get(current);
    if (inode !== undefined) merge(entries.get(inodeKey(1, inode).toString('hex')), depth);
    const name = basename(current);
    merge(entries.get(nameKey(1, undefined, name).toString('hex')), depth);
    if (depth === 0) for (const ranks of longestAffixes(entries, name)) merge(ranks, 0);
    const folder = INODES.get(dirname(current));
    if (folder !== undefined) merge(entries.get(nameKey(1, folder, name).toString('hex')), depth);
    if (current === '/') break;
  }
  const ranks = Array.from({ length: MAX_LISTS + 1 }, (_, list) =>
    best.readUInt16LE(rankOffset(FILE_OPERATIONS.indexOf(operation), list)),
  );
  return ranks.some((rank) => rank % 2 === 1) ? 'deny' : 'allow';
}

function longestAffixes(entries: ReadonlyMap<string, Buffer>, name: string): Buffer[] {
  return [false, true].flatMap((backwards) => {
    for (let length = name.length; length > 0; length--) {
      const affix = backwards ? name.slice(-length) : name.slice(0, length);
      const found = entries.get(affixKey(1, affix, backwards).toString('hex'));
      if (found !== undefined) return [found];
    }
    return [];
  });
}

/** What `GuardPolicy` says, straight from its description. */
function policySays(policy: GuardPolicy, path: string, operation: FileOperation): 'allow' | 'deny' {
  const verdicts = policy.lists.map((list) => {
    const rule = list.rules.find(
      (each) =>
        each.operations.includes(operation) &&
        (each.paths ?? ['/**']).some((pattern) => compilePathGlob(pattern)(path)),
    );
    return rule?.verdict ?? list.defaults[operation] ?? 'allow';
  });
  return verdicts.includes('deny') ? 'deny' : 'allow';
}

const pattern = fc.constantFrom(
  '/a',
  '/a/**',
  '/a/*',
  '/a/b',
  '/a/b/**',
  '/*/env',
  '/*',
  '/**',
  '**/env',
  '**/a/**',
  '**/*.pem',
  '**/x*',
  '**/b/*',
  '/b/*/a',
);
const rule: fc.Arbitrary<GuardRule> = fc.record({
  id: fc.constant('rule'),
  verdict: fc.constantFrom('allow', 'deny'),
  operations: fc.subarray(['read', 'write', 'delete'] as const, { minLength: 1 }),
  paths: fc.array(pattern, { minLength: 1, maxLength: 2 }),
  programs: fc.constant(undefined),
  reason: fc.constant(''),
});
const list: fc.Arbitrary<GuardList> = fc.record({
  layer: fc.constantFrom('global', 'team', 'local'),
  section: fc.constant('operational'),
  mode: fc.constant('enforce'),
  rules: fc.array(rule, { maxLength: 4 }),
  defaults: fc.constantFrom({}, { read: 'deny' }, { write: 'deny', delete: 'allow' }),
});
const policy: fc.Arbitrary<GuardPolicy> = fc.record({
  digest: fc.constant(''),
  revision: fc.constant(1),
  network: fc.constant('monitor'),
  lists: fc.array(list, { maxLength: 3 }),
});

describe('a policy as the kernel holds it', () => {
  test('says of every file what the policy says', () => {
    fc.assert(
      fc.property(
        policy,
        fc.constantFrom(...PATHS),
        fc.constantFrom('read', 'write', 'delete'),
        (made, path, operation) => {
          expect(kernelSays(made, path, operation)).toBe(policySays(made, path, operation));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('names what it cannot express', () => {
    const made: GuardPolicy = {
      digest: '',
      revision: 1,
      network: 'enforce',
      lists: [
        {
          layer: 'team',
          section: 'operational',
          mode: 'enforce',
          defaults: {},
          rules: [
            {
              id: 'odd',
              verdict: 'deny',
              operations: ['read'],
              paths: ['/a/**/b', '**/.aws/credentials', '**/a?c', `**/${'n'.repeat(64)}`],
              programs: undefined,
              reason: '',
            },
          ],
        },
      ],
    };
    const { unexpressed } = encodePolicy(made, NO_OWN, VIEW);
    expect(unexpressed.map(({ layer, rule: id }) => `${layer}/${id}`)).toEqual(
      Array.from({ length: 4 }, () => 'team/odd'),
    );
    expect(unexpressed.map(({ because }) => because)).toEqual([
      expect.stringContaining('/a/**/b: it has ** between other parts'),
      expect.stringContaining('it names folders below **'),
      expect.stringContaining('is a pattern of its own'),
      expect.stringContaining('more than 63 bytes'),
    ]);
  });

  test('keeps what is the product’s own before everything', () => {
    const own: GuardList = {
      ...NO_OWN,
      rules: [
        {
          id: 'kept',
          verdict: 'deny',
          operations: ['write'],
          paths: ['/a/**'],
          programs: undefined,
          reason: '',
        },
      ],
    };
    const { lists, value } = encodePolicy(
      { digest: '', revision: 1, network: 'monitor', lists: [] },
      own,
      VIEW,
    );
    expect(lists).toEqual([own]);
    // Enforced, whatever the policy is.
    expect(value.readUInt16LE(8)).toBe(1);
    expect(value.readUInt16LE(24)).toBe(RANK_DEFAULT);
  });
});
