import type { FileOperation, GuardDenial, GuardPolicy, Unexpressed } from '../guard-policy.ts';
import { type CompiledRules, compileRules, type Refusal } from '../landlock/compile-rules.ts';
import type { FileView } from '../landlock/file-view.ts';
import { ProgramFiles } from '../landlock/find-programs.ts';
import { type MarkKind, placesToMark } from './places-to-mark.ts';

/** What somebody is about to do with a file. `open`: nobody can tell whether to read or to write. */
export type Opening = 'read' | 'write' | 'execute' | 'open';

/** What holds for one control group, as far as fanotify can hold it. */
export class GroupRules {
  readonly policy: GuardPolicy;
  readonly marks: ReadonlyMap<string, MarkKind>;
  readonly unexpressed: readonly Unexpressed[];
  readonly #rules: CompiledRules;
  readonly #programs: ReadonlySet<string>;

  constructor(policy: GuardPolicy, files: FileView, searched: string | undefined, pause: () => void) {
    const programs = new ProgramFiles(files, searched);
    this.policy = policy;
    this.#rules = compileRules(policy, files, programs, ['enforce', 'monitor']);
    this.#programs = new Set(this.#rules.namedPrograms);
    const { marks, unexpressed } = placesToMark(policy, files, programs, pause);
    this.marks = marks;
    this.unexpressed = unexpressed;
  }

  /** @param paths all that the file is known by: one that refuses is enough */
  refusal(
    opening: Opening,
    paths: readonly string[],
  ): (Refusal & Pick<GuardDenial, 'operation'>) | undefined {
    const candidates = paths.flatMap((path) => {
      // A program that may not be executed must not be read either: it could be copied, or handed to the loader.
      const programs: FileOperation[] = this.#programs.has(path) ? ['execute'] : [];
      return [...OPERATIONS[opening], ...programs].flatMap((operation) => {
        const refusal = this.#rules.refusal(operation, path);
        return refusal === undefined ? [] : [{ ...refusal, operation }];
      });
    });
    return candidates.find(({ mode }) => mode === 'enforce') ?? candidates[0];
  }
}

/** Whoever opens to write may read as well (O_RDWR); whoever opens in a way that nobody can tell may do both. */
const OPERATIONS: Readonly<Record<Opening, readonly FileOperation[]>> = {
  read: ['read'],
  write: ['write', 'read'],
  execute: ['execute'],
  open: ['read', 'write'],
};
