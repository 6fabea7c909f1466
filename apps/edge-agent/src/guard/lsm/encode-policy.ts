import { join } from 'node:path';
import {
  FILE_OPERATIONS,
  type FileOperation,
  type GuardList,
  type GuardPolicy,
  type GuardRule,
  type Unexpressed,
} from '../guard-policy.ts';
import type { Mount } from './file-identity.ts';
import {
  MAX_LISTS,
  MAX_RULES,
  POLICY_BYTES,
  POLICY_FLAGS,
  RANK_DEFAULT,
  rankOffset,
  WORDS_BYTES,
} from './layout.ts';
import { isPattern, type PathPattern, readNamePattern, readPathPattern } from './path-pattern.ts';
import { noRanks, type RankedRule, RankTable, writeRank } from './rank-table.ts';
import { type Resolution, resolvePlace } from './resolve-place.ts';

/** A policy as the kernel's maps hold it. */
export interface EncodedPolicy {
  readonly value: Buffer;
  readonly table: RankTable;
  /** In the order of the kernel's: the product's own first. */
  readonly lists: readonly GuardList[];
  readonly unexpressed: readonly Unexpressed[];
}

/** What the file system looks like to whoever encodes. */
export interface FileSystemView {
  readonly mounts: readonly Mount[];
  readonly resolve: (place: Extract<PathPattern, { kind: 'place' }>, mounts: readonly Mount[]) => Resolution;
}

const ANY_AT = 24;
/** Where programs are found by their base name. */
const PROGRAM_FOLDERS = ['/bin', '/sbin', '/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'];

/**
 * Writes a policy as ranks: for each file and name that a rule is about, the number of the first rule of each list
 * for each operation. Following the folders above a file and taking the smallest, the kernel finds what
 * `GuardPolicy` says.
 *
 * @param own the product's own protection
 */
export function encodePolicy(
  policy: GuardPolicy,
  own: GuardList,
  view: FileSystemView = { mounts: [], resolve: resolvePlace },
): EncodedPolicy {
  const lists = [own, ...policy.lists.slice(0, MAX_LISTS)];
  const table = new RankTable();
  const value = Buffer.alloc(POLICY_BYTES);
  noRanks(WORDS_BYTES).copy(value, ANY_AT);
  const unexpressed = policy.lists
    .slice(MAX_LISTS)
    .flatMap((list) =>
      dropped(list, list.rules, `it is more than the ${MAX_LISTS} lists that the kernel holds`),
    );
  for (const [index, list] of lists.entries()) {
    writeDefaults(value, list, index);
    for (const [number, rule] of list.rules.slice(0, MAX_RULES).entries()) {
      const notes = addRule({ rule, list, index, number, table, value, view });
      unexpressed.push(...notes.map((because) => ({ layer: list.layer, rule: rule.id, because })));
    }
    unexpressed.push(
      ...dropped(list, list.rules.slice(MAX_RULES), `the kernel holds ${MAX_RULES} rules of a list`),
    );
    if (list.mode === 'enforce') value.writeUInt16LE(1, 8 + index * 2);
  }
  value.writeUInt32LE(flagsOf(policy, lists, table), 0);
  return { value, table, lists, unexpressed };
}

interface RuleInPlace {
  readonly rule: GuardRule;
  readonly list: GuardList;
  readonly index: number;
  readonly number: number;
  readonly table: RankTable;
  readonly value: Buffer;
  readonly view: FileSystemView;
}

/** @returns what of it the kernel does not hold anybody to */
function addRule(place: RuleInPlace): string[] {
  const { rule } = place;
  const notes: string[] = [];
  const onFiles =
    rule.programs === undefined ? rule.operations : rule.operations.filter((each) => each !== 'execute');
  if (onFiles.length > 0) {
    for (const pattern of rule.paths ?? ['/**'])
      notes.push(...addPattern(place, onFiles, readPathPattern(pattern), pattern));
  }
  if (rule.programs !== undefined && rule.operations.includes('execute')) {
    for (const program of rule.programs) notes.push(...addProgram(place, program));
  }
  return notes;
}

/** By its base name wherever it is, and the files of that name that are there by their numbers, however they are called then. */
function addProgram(place: RuleInPlace, program: string): string[] {
  const execute: FileOperation[] = ['execute'];
  if (program.includes('/')) return addPattern(place, execute, readPathPattern(program), program);
  if (program === '*') return addPattern(place, execute, { kind: 'any' }, program);
  for (const folder of PROGRAM_FOLDERS) {
    const parts = isPattern(program) ? [program] : [];
    const base = parts.length > 0 ? folder : join(folder, program);
    const { places } = place.view.resolve({ kind: 'place', base, parts, reach: 'self' }, place.view.mounts);
    for (const found of places) {
      if ('inode' in found) place.table.addInode(found.inode, 'self', rankedRule(place, execute));
    }
  }
  return addPattern(place, execute, readNamePattern(program), program);
}

function addPattern(
  place: RuleInPlace,
  operations: readonly FileOperation[],
  pattern: PathPattern,
  text: string,
): string[] {
  const { table, value, view } = place;
  const ranked = rankedRule(place, operations);
  switch (pattern.kind) {
    case 'any':
      writeRank(value, ANY_AT, ranked);
      return [];
    case 'name':
      table.addName(undefined, pattern.name, pattern.reach, ranked);
      return [];
    case 'affix':
      table.addAffix(pattern.affix, pattern.backwards, ranked);
      return [];
    case 'unexpressed':
      return [`${text}: ${pattern.because}`];
    case 'place': {
      const { places, gap } = view.resolve(pattern, view.mounts);
      for (const found of places) {
        if ('inode' in found) table.addInode(found.inode, found.reach, ranked);
        else table.addName(found.folder, found.name, found.reach, ranked);
      }
      return gap === undefined ? [] : [`${text}: ${gap}`];
    }
  }
}

function rankedRule({ rule, index, number }: RuleInPlace, operations: readonly FileOperation[]): RankedRule {
  return { list: index, rank: number * 2 + (rule.verdict === 'deny' ? 1 : 0), operations };
}

function writeDefaults(value: Buffer, list: GuardList, index: number): void {
  for (const [number, operation] of FILE_OPERATIONS.entries()) {
    const rank = RANK_DEFAULT + (list.defaults[operation] === 'deny' ? 1 : 0);
    value.writeUInt16LE(rank, ANY_AT + rankOffset(number, index));
  }
}

function flagsOf(policy: GuardPolicy, lists: readonly GuardList[], table: RankTable): number {
  const saysNoToPrograms = lists.some(
    ({ mode, defaults, rules }) =>
      mode === 'enforce' &&
      (defaults.execute === 'deny' ||
        rules.some(
          ({ verdict, operations, programs }) =>
            verdict === 'deny' && programs !== undefined && operations.includes('execute'),
        )),
  );
  return (
    (table.hasNames || table.hasAffixes ? POLICY_FLAGS.names : 0) |
    (table.hasNamesBelow ? POLICY_FLAGS.namesBelow : 0) |
    (table.hasAffixes ? POLICY_FLAGS.affixes : 0) |
    (policy.network === 'enforce' ? POLICY_FLAGS.network : 0) |
    (saysNoToPrograms ? POLICY_FLAGS.programs : 0)
  );
}

function dropped(list: GuardList, rules: readonly GuardRule[], because: string): Unexpressed[] {
  return rules.map(({ id }) => ({ layer: list.layer, rule: id, because }));
}
