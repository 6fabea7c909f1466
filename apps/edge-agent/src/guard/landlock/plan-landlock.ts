import { FILE_RIGHTS } from '../../native/landlock.ts';
import { FILE_OPERATIONS, type FileOperation, type GuardPolicy, type Unexpressed } from '../guard-policy.ts';
import { type CompiledRules, compileRules } from './compile-rules.ts';
import type { FileView } from './file-view.ts';
import { ProgramFiles } from './find-programs.ts';

const { execute, writeFile, readFile, readFolder, removeFolder, removeFile, refer } = FILE_RIGHTS;
const { makeCharacterDevice, makeFolder, makeFile, makeSocket, makeFifo, makeBlockDevice, makeSymlink } =
  FILE_RIGHTS;
const { truncate, controlDevice } = FILE_RIGHTS;

/** What an operation comes to on the files of a folder and all below. */
const BELOW: Readonly<Record<FileOperation, number>> = {
  read: readFile | readFolder,
  write:
    writeFile |
    truncate |
    controlDevice |
    makeCharacterDevice |
    makeFolder |
    makeFile |
    makeSocket |
    makeFifo |
    makeBlockDevice |
    makeSymlink,
  // Rights to remove belong to the folder, not to what is removed from it.
  delete: removeFile | removeFolder,
  execute,
};

/** What it comes to on one file. */
const ON_FILE: Readonly<Record<FileOperation, number>> = {
  read: readFile,
  write: writeFile | truncate | controlDevice,
  delete: 0,
  execute,
};

/** The dynamic loaders: the kernel executes them for every program that is not static. */
const LOADERS = [
  '/lib64/ld-linux-x86-64.so.2',
  '/lib/ld-linux-aarch64.so.1',
  '/lib/ld-musl-x86_64.so.1',
  '/lib/ld-musl-aarch64.so.1',
] as const;

/** Entries of folders that are looked at for one plan; beyond, nothing more is granted. */
const MAX_ENTRIES = 50_000;
/** A name that no rule is about: what holds for it is the default. */
const UNNAMED = '/\u0000';

/** Rules for Landlock that hold a process to a policy, and what they do not say or say too strictly. */
export interface LandlockPlan {
  readonly handled: number;
  readonly rules: { path: string; rights: number }[];
  /** Files in memory have no path to decide about: where programs are held to a list, they are not executed either. */
  readonly refuseExecutableMemory: boolean;
  readonly unexpressed: readonly Unexpressed[];
  /** Facts about this plan that a reader of the policy would not expect. */
  readonly limits: readonly string[];
  /** Folders in which nothing new can be made or reached, because something in them is refused. */
  readonly overBlocked: readonly { readonly folder: string; readonly operations: readonly FileOperation[] }[];
}

/**
 * What of a policy Landlock can express. It only allows: a refused place in an allowed folder becomes grants on
 * everything beside it that is there now. What appears later in such a folder is refused with it.
 *
 * @param searched the PATH of whoever is held
 */
export function planLandlock(
  policy: Pick<GuardPolicy, 'lists'>,
  files: FileView,
  searched: string | undefined,
): LandlockPlan {
  const compiled = compileRules(policy, files, new ProgramFiles(files, searched));
  const rules = withProgramsUnreadable(compiled);
  const walk: Walk = {
    rules,
    files,
    grants: new Map(),
    refused: new Map(),
    overBlocked: [],
    left: MAX_ENTRIES,
  };
  visit(walk, '/', FILE_OPERATIONS);
  withholdFromOtherNames(walk);
  const listing = rules.decide('read', UNNAMED) === 'deny';
  const programsListed = rules.decide('execute', UNNAMED) === 'deny';
  if (programsListed) {
    for (const loader of LOADERS.flatMap((path) => files.realPath(path) ?? [])) grant(walk, loader, execute);
  }
  grant(walk, '/', refer);
  const handled =
    refer |
    FILE_OPERATIONS.reduce(
      (sum, operation) => (rules.decideBelow(operation, '/') === 'allow' ? sum : sum | BELOW[operation]),
      0,
    );
  return {
    handled: listing ? handled : handled & ~readFolder,
    rules: [...walk.grants].map(([path, rights]) => ({ path, rights })),
    refuseExecutableMemory: programsListed,
    unexpressed: compiled.unexpressed,
    limits: limitsOf(walk, { listing, programsListed }),
    overBlocked: walk.overBlocked,
  };
}

type Verdicts = Pick<CompiledRules, 'decide' | 'decideBelow'>;

/** A program that may not be executed must not be read either: it could be copied, or handed to the loader. */
function withProgramsUnreadable(rules: CompiledRules): Verdicts {
  const closed = rules.namedPrograms.filter((path) => rules.decide('execute', path) === 'deny');
  const isClosed = new Set(closed);
  return {
    decide: (operation, path) =>
      operation === 'read' && isClosed.has(path) ? 'deny' : rules.decide(operation, path),
    decideBelow: (operation, folder) => {
      const verdict = rules.decideBelow(operation, folder);
      if (operation !== 'read' || verdict !== 'allow') return verdict;
      const below = folder === '/' ? '/' : `${folder}/`;
      return closed.some((path) => path.startsWith(below)) ? undefined : 'allow';
    },
  };
}

interface Walk {
  readonly rules: Verdicts;
  readonly files: FileView;
  readonly grants: Map<string, number>;
  /** Rights that a file was not given, for files that were not given all. */
  readonly refused: Map<string, number>;
  readonly overBlocked: { folder: string; operations: FileOperation[] }[];
  left: number;
}

/** @param operations those that are not decided by a folder above */
function visit(walk: Walk, folder: string, operations: readonly FileOperation[]): void {
  const mixed: FileOperation[] = [];
  for (const operation of operations) {
    const verdict = walk.rules.decideBelow(operation, folder);
    if (verdict === undefined) mixed.push(operation);
    else if (verdict === 'allow') grant(walk, folder, BELOW[operation]);
  }
  if (mixed.length === 0) return;
  walk.overBlocked.push({ folder, operations: mixed });
  for (const { name, kind } of walk.files.entries(folder)) {
    if (walk.left-- <= 0) return;
    // Processes come and go: those of the command are not there yet.
    if (folder === '/proc' && /^\d/.test(name)) continue;
    const path = folder === '/' ? `/${name}` : `${folder}/${name}`;
    if (kind === 'folder') visit(walk, path, mixed);
    else if (kind !== 'link') decideFile(walk, path, mixed);
  }
}

function decideFile(walk: Walk, path: string, operations: readonly FileOperation[]): void {
  for (const operation of operations) {
    const rights = ON_FILE[operation];
    if (rights === 0) continue;
    if (walk.rules.decide(operation, path) === 'allow') grant(walk, path, rights);
    else walk.refused.set(path, (walk.refused.get(path) ?? 0) | rights);
  }
}

function grant({ grants }: Walk, path: string, rights: number): void {
  if (rights !== 0) grants.set(path, (grants.get(path) ?? 0) | rights);
}

/** A rule holds for a file, not for its name: another name of a refused file must not bring the right back. */
function withholdFromOtherNames({ refused, grants, files }: Walk): void {
  const withheld = new Map<string, number>();
  for (const [path, rights] of refused) {
    const found = files.identity(path);
    if (found !== undefined && found.names > 1)
      withheld.set(found.key, (withheld.get(found.key) ?? 0) | rights);
  }
  if (withheld.size === 0) return;
  for (const [path, rights] of grants) {
    const found = files.identity(path);
    const less = rights & ~(withheld.get(found?.key ?? '') ?? 0);
    if (less !== rights) grants.set(path, less);
  }
}

function limitsOf(
  { rules, left }: Walk,
  { listing, programsListed }: { listing: boolean; programsListed: boolean },
): string[] {
  return [
    ...(left < 0 ? [`more than ${MAX_ENTRIES} entries of folders, which are refused`] : []),
    ...(!listing && rules.decideBelow('read', '/') !== 'allow'
      ? ['listing folders that may not be read']
      : []),
    ...(programsListed
      ? ['code that an allowed program loads from files that it may read (ld.so, mmap)']
      : []),
  ];
}
