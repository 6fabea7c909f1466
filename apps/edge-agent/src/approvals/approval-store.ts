import type { DatabaseSync } from 'node:sqlite';
import { isAlive } from '../discovery/stat.ts';
import { inTransaction } from '../store/database.ts';
import type { ApprovalAnswer } from './approval.ts';
import type { BootClock } from './boot-clock.ts';

export interface EndedApproval {
  readonly id: string;
  readonly how: ApprovalAnswer['how'];
  readonly outcome: ApprovalAnswer['outcome'];
  readonly by: string | undefined;
}

/** Which question a grant answers: of one subject, under one rule as it was when the person decided. */
export interface GrantKey {
  readonly subject: string;
  readonly rule: string;
}

export interface Grant extends GrantKey {
  readonly approval: string;
  readonly outcome: ApprovalAnswer['outcome'];
  readonly by: string;
  /** Milliseconds since boot; undefined: as long as the process lives. */
  readonly until: number | undefined;
  readonly process: { pid: number; startTime: number };
}

/** Ended questions that are kept, so that a late answer can be told why it is late. */
const KEPT_ENDED = 1_000;
/** Grants that are kept. Losing one means to ask again, never to let something through. */
const KEPT_GRANTS = 2_000;

/** Questions and grants in `agent.db`. Every method may throw; whoever asks then gets a DENY. */
export class ApprovalStore {
  readonly #db: DatabaseSync;
  readonly #clock: BootClock;
  readonly #add;
  readonly #end;
  readonly #find;
  readonly #grant;

  constructor(db: DatabaseSync, clock: BootClock) {
    this.#db = db;
    this.#clock = clock;
    this.#add = db.prepare('INSERT INTO approvals (id, question, asked_at) VALUES (?, ?, ?)');
    this.#end = db.prepare(
      'UPDATE approvals SET ended_at = ?, how = ?, outcome = ?, decided_by = ? WHERE id = ?',
    );
    this.#find = db.prepare(
      'SELECT how, outcome, decided_by FROM approvals WHERE id = ? AND ended_at IS NOT NULL',
    );
    this.#grant = db.prepare('SELECT * FROM approval_grants WHERE subject = ? AND rule = ? AND boot = ?');
  }

  add(id: string, question: unknown, askedAt: number): void {
    this.#add.run(id, JSON.stringify(question), askedAt);
  }

  end({ id, how, outcome, by }: EndedApproval, at = Date.now()): void {
    inTransaction(this.#db, () => {
      this.#end.run(at, how, outcome, by ?? null, id);
      this.#db
        .prepare(
          `DELETE FROM approvals WHERE id IN (
             SELECT id FROM approvals WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT -1 OFFSET ?)`,
        )
        .run(KEPT_ENDED);
    });
  }

  ended(id: string): EndedApproval | undefined {
    const row = this.#find.get(id);
    if (row === undefined) return undefined;
    return {
      id,
      // Written by `end` alone, from these very types.
      how: String(row.how) as ApprovalAnswer['how'],
      outcome: String(row.outcome) as ApprovalAnswer['outcome'],
      by: row.decided_by === null ? undefined : String(row.decided_by),
    };
  }

  /** Questions that nobody waits for any more, because the process that asked them is gone. */
  orphans(): { id: string; question: string }[] {
    return this.#db
      .prepare('SELECT id, question FROM approvals WHERE ended_at IS NULL')
      .all()
      .map((row) => ({ id: String(row.id), question: String(row.question) }));
  }

  /** What a person said before about the same question, if it still holds. */
  grant({ subject, rule }: GrantKey): Grant | undefined {
    const row = this.#grant.get(subject, rule, this.#clock.boot);
    if (row === undefined) return undefined;
    const until = row.until === null ? undefined : Number(row.until);
    const process = { pid: Number(row.pid), startTime: Number(row.start_time) };
    if ((until !== undefined && this.#clock.now() >= until) || !isAlive(process)) {
      this.#db.prepare('DELETE FROM approval_grants WHERE subject = ? AND rule = ?').run(subject, rule);
      return undefined;
    }
    return {
      subject,
      rule,
      approval: String(row.approval),
      outcome: row.outcome === 'ALLOW' ? 'ALLOW' : 'DENY',
      by: String(row.decided_by),
      until,
      process,
    };
  }

  /** Keeps what a person said for longer than once. */
  keep(grant: Grant): void {
    inTransaction(this.#db, () => this.#keep(grant));
  }

  #keep({ subject, rule, approval, outcome, by, until, process }: Grant): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO approval_grants VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        subject,
        rule,
        approval,
        outcome,
        by,
        this.#clock.boot,
        until ?? null,
        process.pid,
        process.startTime,
      );
    const grants = Number(this.#db.prepare('SELECT count(*) AS count FROM approval_grants').get()?.count);
    if (grants <= KEPT_GRANTS) return;
    this.#db
      .prepare('DELETE FROM approval_grants WHERE boot <> ? OR until <= ?')
      .run(this.#clock.boot, this.#clock.now());
    // Those of processes that ended are found when somebody asks; what is still too much is forgotten.
    this.#db
      .prepare(
        `DELETE FROM approval_grants WHERE (subject, rule) IN (
           SELECT subject, rule FROM approval_grants WHERE approval <> ? LIMIT max(0, (SELECT count(*) FROM approval_grants) - ?))`,
      )
      .run(approval, KEPT_GRANTS);
  }
}
