import type { DatabaseSync } from 'node:sqlite';

/** Commands arrive at least once; this remembers what was done, so that each is done once. */
export class SeenCommands {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * Claims a command before it runs, so that a crash in the middle does not run it twice.
   *
   * @returns false when it was claimed before
   */
  claim(id: string, expiresAt: number): boolean {
    const result = this.#db
      .prepare('INSERT OR IGNORE INTO seen_commands (id, expires_at) VALUES (?, ?)')
      .run(id, expiresAt);
    return result.changes === 1;
  }

  finish(id: string, result: string): void {
    this.#db.prepare('UPDATE seen_commands SET result = ? WHERE id = ?').run(result, id);
  }

  /** The recorded result; undefined when the command was interrupted before it had one. */
  result(id: string): string | undefined {
    const value = this.#db.prepare('SELECT result FROM seen_commands WHERE id = ?').get(id)?.result;
    return typeof value === 'string' ? value : undefined;
  }

  /** An expired command is refused by its own date, so its id need not be remembered much longer. */
  prune(before: number): void {
    this.#db.prepare('DELETE FROM seen_commands WHERE expires_at < ?').run(before);
  }
}
