import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

/** A program that may use the keys sealed on this machine. */
export interface AllowedProgram {
  id: string;
  /** Of the executable, without symbolic links. */
  path: string;
  /** As it was named when it was allowed: Python takes its libraries from beside it. */
  launchPath: string;
  /** Lower-case hex, of its content. */
  sha256: string;
  /** Which interpreter it is, when it runs a script. */
  interpreter: string | undefined;
  script: { path: string; sha256: string } | undefined;
  /** Undefined: whoever runs it. */
  uid: number | undefined;
  /** Milliseconds since the epoch. */
  allowedAt: number;
  allowedBy: string;
}

const Row = z.object({
  id: z.string(),
  path: z.string(),
  launch_path: z.string(),
  sha256: z.string(),
  interpreter: z.string().nullable(),
  script_path: z.string().nullable(),
  script_sha256: z.string().nullable(),
  uid: z.number().nullable(),
  allowed_at: z.number(),
  allowed_by: z.string(),
});

/** The allow list in `agent.db`. It is small, and asked at every request: it is held in memory. */
export class AllowList {
  readonly #db: DatabaseSync;
  #programs: readonly AllowedProgram[];

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#programs = db.prepare('SELECT * FROM allow_list ORDER BY allowed_at, id').all().map(fromRow);
  }

  list(): readonly AllowedProgram[] {
    return this.#programs;
  }

  /** On disk first: what is said to be allowed must still be after a restart, and the reverse. */
  add(program: AllowedProgram): void {
    const { script } = program;
    this.#db
      .prepare(
        `INSERT INTO allow_list (id, path, launch_path, sha256, interpreter, script_path, script_sha256, uid, allowed_at, allowed_by)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        program.id,
        program.path,
        program.launchPath,
        program.sha256,
        program.interpreter ?? null,
        script?.path ?? null,
        script?.sha256 ?? null,
        program.uid ?? null,
        program.allowedAt,
        program.allowedBy,
      );
    this.#programs = [...this.#programs, program];
  }

  remove(id: string): void {
    this.#db.prepare('DELETE FROM allow_list WHERE id = ?').run(id);
    this.#programs = this.#programs.filter((program) => program.id !== id);
  }
}

function fromRow(raw: unknown): AllowedProgram {
  const row = Row.parse(raw);
  return {
    id: row.id,
    path: row.path,
    launchPath: row.launch_path,
    sha256: row.sha256,
    interpreter: row.interpreter ?? undefined,
    script:
      row.script_path === null || row.script_sha256 === null
        ? undefined
        : { path: row.script_path, sha256: row.script_sha256 },
    uid: row.uid ?? undefined,
    allowedAt: row.allowed_at,
    allowedBy: row.allowed_by,
  };
}
