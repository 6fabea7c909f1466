import type { DatabaseSync } from 'node:sqlite';
import { RaypherError } from '@raypher/shared';

/**
 * When the newest order about each key was given that came from the control plane. Whoever carries the orders could hold
 * one back and hand it over after a later one, and so bring a replaced or revoked key back.
 */
export class PushedKeys {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * Remembers an order before it is carried out.
   *
   * @param issuedAt ISO, as signed
   * @throws RaypherError `bundle/revision-not-monotonic` when a later one about this key came before it
   */
  admit(name: string, issuedAt: string): void {
    const at = Date.parse(issuedAt);
    const { changes } = this.#db
      .prepare(
        `INSERT INTO pushed_keys (name, issued_at) VALUES (?, ?)
         ON CONFLICT (name) DO UPDATE SET issued_at = excluded.issued_at WHERE excluded.issued_at >= pushed_keys.issued_at`,
      )
      .run(name, at);
    if (Number(changes) === 1) return;
    throw new RaypherError(
      'bundle/revision-not-monotonic',
      `A later order about the key ${name} was carried out.`,
      {
        hint: 'Push or revoke it again if it should be as this order says.',
      },
    );
  }
}
