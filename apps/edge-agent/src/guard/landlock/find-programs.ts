import type { FileKind, FileView } from './file-view.ts';
import { partMatches } from './path-pattern.ts';

/** Where systems keep programs, whatever PATH says. */
const PROGRAM_FOLDERS = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/usr/games',
  '/snap/bin',
] as const;

/** The programs of a machine by name: those of its usual folders and of a PATH. */
export class ProgramFiles {
  readonly #files: FileView;
  readonly #searched: string | undefined;
  #known: { folder: string; name: string; kind: FileKind }[] | undefined;

  /** @param searched value of PATH; parts that are no absolute paths are passed over */
  constructor(files: FileView, searched: string | undefined) {
    this.#files = files;
    this.#searched = searched;
  }

  /**
   * The files behind a name, without links ("/usr/bin/dash" for "sh"), and hard links to them in these folders.
   *
   * @param pattern base name, `*` is a wildcard
   */
  named(pattern: string): string[] {
    const found = new Set(
      this.#programs()
        .filter(({ name }) => partMatches(pattern, name))
        .flatMap(({ folder, name, kind }) => {
          const path = `${folder}/${name}`;
          if (kind === 'file') return path;
          return this.#files.realPath(path) ?? [];
        }),
    );
    return [...found, ...this.#otherNames(found)];
  }

  #otherNames(paths: ReadonlySet<string>): string[] {
    const shared = new Set(
      [...paths].flatMap((path) => {
        const { key, names } = this.#files.identity(path) ?? { key: '', names: 1 };
        return names > 1 ? [key] : [];
      }),
    );
    if (shared.size === 0) return [];
    return this.#programs().flatMap(({ folder, name, kind }) => {
      const path = `${folder}/${name}`;
      if (kind !== 'file' || paths.has(path)) return [];
      return shared.has(this.#files.identity(path)?.key ?? '') ? [path] : [];
    });
  }

  #programs(): { folder: string; name: string; kind: FileKind }[] {
    const folders = [...PROGRAM_FOLDERS, ...(this.#searched ?? '').split(':')];
    this.#known ??= [
      ...new Set(
        folders.flatMap((folder) => (folder.startsWith('/') ? (this.#files.realPath(folder) ?? []) : [])),
      ),
    ].flatMap((folder) =>
      this.#files
        .entries(folder)
        .flatMap(({ name, kind }) => (kind === 'file' || kind === 'link' ? [{ folder, name, kind }] : [])),
    );
    return this.#known;
  }
}
