import type { FileOperation, GuardPolicy, GuardRule, Unexpressed } from '../guard-policy.ts';
import { canonicalPatterns } from '../landlock/canonical-patterns.ts';
import type { FileView } from '../landlock/file-view.ts';
import type { ProgramFiles } from '../landlock/find-programs.ts';
import { isWild, namesPlace, type PathPattern, parsePattern, partMatches } from '../landlock/path-pattern.ts';

/** What fanotify tells about: opening and executing. */
const SEEN: readonly FileOperation[] = ['read', 'write', 'execute'];
/** Marked for one policy; beyond, files are not held, which is said. */
const MAX_MARKS = 20_000;

export type MarkKind = 'file' | 'folder';

/** What has to be marked so that a policy can be held, by path; and what of it cannot be. */
export interface Marks {
  readonly marks: ReadonlyMap<string, MarkKind>;
  readonly unexpressed: readonly Unexpressed[];
}

/**
 * The files and folders that a policy refuses something on, as they are now. Lists in monitor mode count: what they
 * would refuse is recorded.
 *
 * @param pause called now and then: others wait for answers meanwhile
 */
export function placesToMark(
  { lists }: Pick<GuardPolicy, 'lists'>,
  files: FileView,
  programs: ProgramFiles,
  pause: () => void = () => {},
): Marks {
  const marks = new Map<string, MarkKind>();
  const unexpressed: Unexpressed[] = [];
  for (const { layer, rules, defaults } of lists) {
    for (const [operation, verdict] of Object.entries(defaults)) {
      if (verdict === 'deny') {
        unexpressed.push({
          layer,
          rule: 'default',
          because: `${operation} of whatever no rule names: fanotify watches files that are named`,
        });
      }
    }
    for (const rule of rules) {
      if (rule.verdict === 'allow') continue;
      const note = (because: string): void => {
        unexpressed.push({ layer, rule: rule.id, because });
      };
      noteUnseen(rule, note);
      if (!rule.operations.some((operation) => SEEN.includes(operation))) continue;
      collect({ files, programs, pause, note, marks }, rule);
    }
  }
  return { marks, unexpressed };
}

function noteUnseen({ operations, paths, programs }: GuardRule, note: (because: string) => void): void {
  if (operations.includes('delete'))
    note('removing and renaming: fanotify asks about opening and executing alone');
  if (operations.includes('write'))
    note('truncating by path and changing of modes: fanotify does not ask about them');
  if (paths === undefined && programs === undefined) note('any file: fanotify watches files that are named');
}

interface Collecting {
  readonly files: FileView;
  readonly programs: ProgramFiles;
  readonly pause: () => void;
  readonly note: (because: string) => void;
  readonly marks: Map<string, MarkKind>;
}

function collect(collecting: Collecting, { paths, programs }: GuardRule): void {
  const { note, files, marks } = collecting;
  const names = programs?.filter((name) => !name.includes('/')) ?? [];
  if (names.length > 0) note(`${names.join(', ')} outside the folders of PATH and of the system`);
  for (const name of names) {
    for (const path of collecting.programs.named(name)) {
      marks.set(path, 'file');
    }
  }
  for (const whole of programs?.filter((name) => name.startsWith('/') && !name.includes('*')) ?? []) {
    const path = files.realPath(whole);
    if (path !== undefined) marks.set(path, 'file');
  }
  const wild = programs?.filter((name) => name.includes('/') && name.includes('*')) ?? [];
  for (const pattern of [...(paths ?? []), ...wild]) {
    const parsed = parsePattern(pattern);
    if (parsed === undefined || !namesPlace(parsed)) {
      note(`${pattern}, a name in folders of any depth`);
      continue;
    }
    for (const canonical of canonicalPatterns(parsed, files, 'deny')) expand(collecting, [], canonical);
  }
  if (marks.size >= MAX_MARKS) note(`more than ${MAX_MARKS} files and folders`);
}

/** Marks what matches, and the folders in which something that matches can appear. */
function expand(collecting: Collecting, behind: readonly string[], ahead: PathPattern): void {
  const { files, marks, pause } = collecting;
  if (marks.size >= MAX_MARKS) return;
  pause();
  const path = `/${behind.join('/')}`;
  const [part, ...rest] = ahead;
  if (part === undefined) {
    if (files.kind(path) === 'file') marks.set(path, 'file');
    return;
  }
  if (files.kind(path) !== 'folder') {
    // `/a/file/**` also stands for the file itself.
    if (part === '**' && files.kind(path) === 'file') marks.set(path, 'file');
    return;
  }
  // In the root folder everything would be asked about; what is refused there is marked itself.
  if ((part === '**' || rest.length === 0) && path !== '/') marks.set(path, 'folder');
  if (part !== '**' && !isWild(part)) {
    expand(collecting, [...behind, part], rest);
    return;
  }
  for (const { name, kind } of files.entries(path)) {
    if (kind === 'link' || (part !== '**' && !partMatches(part, name))) continue;
    expand(collecting, [...behind, name], part === '**' ? ahead : rest);
  }
}
