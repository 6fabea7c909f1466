/**
 * The schema of `agent.db`, one step per entry. `PRAGMA user_version` holds how many have run;
 * a step that has been released is never edited, only followed by another.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- Whose ledger this file holds. Keys and certificates live in identity/, so that losing
  -- this file does not lose the device's identity.
  CREATE TABLE machine (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    organisation TEXT NOT NULL,
    device       TEXT NOT NULL,
    server       TEXT NOT NULL,
    key_id       TEXT NOT NULL,
    since        INTEGER NOT NULL
  ) STRICT;

  -- The ledger and the outbox are the same rows: an entry is sent from here until it is durable.
  CREATE TABLE events (
    seq     INTEGER PRIMARY KEY,
    entry   BLOB NOT NULL,
    hash    TEXT NOT NULL,
    at      INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX events_at ON events (at);

  -- Facts about the chain that outlive pruned rows.
  CREATE TABLE ledger (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    head_seq        INTEGER NOT NULL,
    head_hash       TEXT NOT NULL,
    durable_through INTEGER NOT NULL,
    -- 1 until a ledger that replaced a damaged one has been joined to what the control plane holds.
    restarted       INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  -- Entries recorded before enrolment; the first enrolled entry commits to their head.
  CREATE TABLE events_before_enrolment (
    device TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    entry  BLOB NOT NULL,
    hash   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (device, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE state_slots (
    kind      TEXT PRIMARY KEY CHECK (kind IN ('policy', 'freeze')),
    revision  INTEGER NOT NULL,
    digest    TEXT NOT NULL,
    payload   BLOB NOT NULL,
    signature BLOB NOT NULL,
    key_id    TEXT NOT NULL,
    phase     TEXT NOT NULL
  ) STRICT;

  -- Freezes that somebody at this machine set.
  CREATE TABLE local_freezes (
    id      TEXT PRIMARY KEY,
    payload TEXT NOT NULL
  ) STRICT;

  CREATE TABLE frozen_trees (
    id   TEXT PRIMARY KEY,
    tree TEXT NOT NULL
  ) STRICT;

  CREATE TABLE seen_commands (
    id         TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    result     TEXT
  ) STRICT;

  CREATE TABLE ai_agents (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- API keys, each encrypted to the vault key that key_id names. The rows of a vault that was set aside stay.
  CREATE TABLE secrets (
    key_id       TEXT NOT NULL,
    name         TEXT NOT NULL,
    provider     TEXT NOT NULL,
    version      INTEGER NOT NULL,
    sealed       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    rotated_at   INTEGER,
    last_used_at INTEGER,
    PRIMARY KEY (key_id, name)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Programs that may use sealed keys. What was allowed is the content; path and user narrow it.
  CREATE TABLE allow_list (
    id            TEXT PRIMARY KEY,
    path          TEXT NOT NULL,
    launch_path   TEXT NOT NULL,
    sha256        TEXT NOT NULL,
    interpreter   TEXT,
    script_path   TEXT,
    script_sha256 TEXT,
    uid           INTEGER,
    allowed_at    INTEGER NOT NULL,
    allowed_by    TEXT NOT NULL,
    CHECK ((script_path IS NULL) = (script_sha256 IS NULL) AND (script_path IS NULL) = (interpreter IS NULL))
  ) STRICT;
  `,
  `
  -- Money in micro-dollars. What one limit has spent and holds in one of its windows, for one subject.
  CREATE TABLE budget_accounts (
    limit_id       TEXT NOT NULL,
    subject        TEXT NOT NULL,
    starts_at      INTEGER NOT NULL,
    spent          INTEGER NOT NULL CHECK (spent >= 0),
    reserved       INTEGER NOT NULL CHECK (reserved >= 0),
    warned_percent INTEGER NOT NULL,
    used_at        INTEGER NOT NULL,
    PRIMARY KEY (limit_id, subject, starts_at)
  ) STRICT, WITHOUT ROWID;

  -- Calls that have not been paid for; charged ones were not settled in time and may still be corrected.
  CREATE TABLE budget_reservations (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    amount  INTEGER NOT NULL CHECK (amount >= 0),
    made_at INTEGER NOT NULL,
    charged INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE budget_holds (
    reservation INTEGER NOT NULL REFERENCES budget_reservations (id) ON DELETE CASCADE,
    limit_id    TEXT NOT NULL,
    subject     TEXT NOT NULL,
    starts_at   INTEGER NOT NULL,
    lease       INTEGER,
    PRIMARY KEY (reservation, limit_id)
  ) STRICT, WITHOUT ROWID;

  -- What this machine may spend of a limit that several machines share.
  CREATE TABLE budget_leases (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    limit_id TEXT NOT NULL,
    micros   INTEGER NOT NULL CHECK (micros >= 0),
    until    INTEGER NOT NULL,
    spent    INTEGER NOT NULL,
    reserved INTEGER NOT NULL CHECK (reserved >= 0)
  ) STRICT;
  CREATE INDEX budget_leases_limit ON budget_leases (limit_id, id);
  `,
  `
  -- The newest order of the control plane about each sealed key, milliseconds since the epoch; older ones come too late.
  CREATE TABLE pushed_keys (
    name      TEXT PRIMARY KEY,
    issued_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Budgets by the counters that policy names. Nothing was ever written to the tables before them.
  DROP TABLE budget_holds;
  DROP TABLE budget_reservations;
  DROP TABLE budget_accounts;
  DROP TABLE budget_leases;

  -- Money in micro-dollars. What one counter has spent and holds in one of its periods.
  CREATE TABLE budget_accounts (
    counter   TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,
    spent     INTEGER NOT NULL CHECK (spent >= 0),
    reserved  INTEGER NOT NULL CHECK (reserved >= 0),
    -- The limit as it was when money was last held, from where on a warning is due, and the highest threshold that
    -- was warned of.
    amount    INTEGER NOT NULL,
    warn_at   INTEGER,
    warned_at INTEGER NOT NULL,
    used_at   INTEGER NOT NULL,
    PRIMARY KEY (counter, starts_at)
  ) STRICT, WITHOUT ROWID;

  -- Calls that have not been paid for; charged ones were not settled in time and may still be corrected.
  CREATE TABLE budget_reservations (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    amount  INTEGER NOT NULL CHECK (amount >= 0),
    made_at INTEGER NOT NULL,
    charged INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE budget_holds (
    reservation INTEGER NOT NULL REFERENCES budget_reservations (id) ON DELETE CASCADE,
    counter     TEXT NOT NULL,
    starts_at   INTEGER NOT NULL,
    PRIMARY KEY (reservation, counter)
  ) STRICT, WITHOUT ROWID;

  -- What this machine may spend in one period of a counter that several machines share: all that was ever granted.
  CREATE TABLE budget_leases (
    counter   TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,
    granted   INTEGER NOT NULL CHECK (granted >= 0),
    version   INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (counter, starts_at)
  ) STRICT, WITHOUT ROWID;

  -- Names this file to the control plane: a fresh one knows nothing of what was spent before.
  CREATE TABLE budget_store (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL
  ) STRICT;
  INSERT INTO budget_store VALUES (1, lower(hex(randomblob(16))));
  `,
  `
  -- What may have to be erased while the entry stays, which only commits to it; exactly the bytes that were hashed.
  CREATE TABLE event_private (
    seq     INTEGER PRIMARY KEY,
    content BLOB NOT NULL,
    at      INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX event_private_at ON event_private (at);
  `,
  `
  -- Questions to people. One without an end has an asker that waits; after a crash nobody does.
  CREATE TABLE approvals (
    id         TEXT PRIMARY KEY,
    question   TEXT NOT NULL,
    asked_at   INTEGER NOT NULL,
    ended_at   INTEGER,
    how        TEXT,
    outcome    TEXT,
    decided_by TEXT,
    CHECK ((ended_at IS NULL) = (how IS NULL) AND (ended_at IS NULL) = (outcome IS NULL))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX approvals_ended ON approvals (ended_at);

  -- What a person said for longer than once. Of one boot: clocks are set, the time since boot is not.
  CREATE TABLE approval_grants (
    subject    TEXT NOT NULL,
    rule       TEXT NOT NULL,
    approval   TEXT NOT NULL,
    outcome    TEXT NOT NULL CHECK (outcome IN ('ALLOW', 'DENY')),
    decided_by TEXT NOT NULL,
    boot       TEXT NOT NULL,
    -- milliseconds since boot; null: as long as the process lives
    until      INTEGER,
    pid        INTEGER NOT NULL,
    start_time INTEGER NOT NULL,
    PRIMARY KEY (subject, rule)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What a sealed value may be used for, where it is no key of a provider: JSON, authenticated with the value.
  ALTER TABLE secrets ADD COLUMN use TEXT;
  ALTER TABLE secrets ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- AI agents that were moved to a control group of their own, and where each of their processes was before.
  CREATE TABLE adopted_agents (
    control_group TEXT PRIMARY KEY,
    adopted       TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- 1 once no entry is in clear: those of a store from before are encrypted at its first start.
  ALTER TABLE ledger ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- The newest checkpoint of each log of an organisation that this device was shown, oldest log first.
  CREATE TABLE kept_checkpoints (
    id           INTEGER PRIMARY KEY,
    organisation TEXT NOT NULL,
    origin       TEXT NOT NULL,
    vkey         TEXT NOT NULL,
    size         INTEGER NOT NULL,
    root         BLOB NOT NULL,
    note         TEXT NOT NULL,
    -- milliseconds since the epoch: since when it is kept, and when the device said last in its ledger how far it is
    kept_at      INTEGER NOT NULL,
    stated_at    INTEGER NOT NULL DEFAULT 0,
    -- what the log's key signed that does not go on from this, and what is wrong with it
    contradiction TEXT,
    detail       TEXT,
    UNIQUE (organisation, origin)
  ) STRICT;
  `,
];
