-- Questions of AI agents that a person has to answer, as the ledgers of devices tell of them, and what people said.

-- What was asked and how it ended is written by the link alone, what people said by the REST side alone.
CREATE TABLE approvals (
  -- chosen by the device, a random UUID
  id uuid PRIMARY KEY,
  organisation_id uuid NOT NULL,
  device_id uuid NOT NULL,
  -- the entries of the device's ledger that say it
  seq bigint NOT NULL,
  ended_seq bigint,
  asked_at timestamptz NOT NULL,
  -- by this clock, when nobody's answer can come in time any more
  expires_at timestamptz NOT NULL,
  actor jsonb NOT NULL,
  action text NOT NULL,
  target text NOT NULL,
  layer text NOT NULL,
  rule text NOT NULL,
  reason text NOT NULL,
  revision bigint NOT NULL,
  on_timeout text NOT NULL CHECK (on_timeout IN ('ALLOW', 'DENY')),
  approvers_needed integer NOT NULL CHECK (approvers_needed IN (1, 2)),
  votes jsonb NOT NULL DEFAULT '[]',
  -- enough people have answered, and the device was told
  sent_at timestamptz,
  ended_at timestamptz,
  -- by this clock, when its end was heard of
  closed_at timestamptz,
  how text CHECK (how IN ('person', 'remembered', 'timeout', 'withdrawn', 'unavailable')),
  outcome text CHECK (outcome IN ('ALLOW', 'DENY')),
  decided_by text,
  second_by text,
  scope text CHECK (scope IN ('once', 'session', 'minutes')),
  minutes integer,
  end_reason text,
  waited_ms bigint,
  answered integer,
  CHECK (num_nulls(ended_at, closed_at, ended_seq, how, outcome, waited_ms, answered) IN (0, 7)),
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);
CREATE INDEX approvals_open ON approvals (organisation_id, expires_at) WHERE how IS NULL;
CREATE INDEX approvals_open_of_device ON approvals (device_id, expires_at) WHERE how IS NULL;

-- Where a chat service is told that somebody is needed. No row: nowhere.
CREATE TABLE approval_webhooks (
  organisation_id uuid PRIMARY KEY REFERENCES organisations (id),
  format text NOT NULL CHECK (format IN ('generic', 'slack', 'teams')),
  -- of the address, for people
  host text NOT NULL,
  key_id text NOT NULL,
  -- address and signing key, JSON, under the master key
  sealed bytea NOT NULL,
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL
);

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['approvals', 'approval_webhooks'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO raypher_app USING (organisation_id = (SELECT raypher_organisation())) WITH CHECK (organisation_id = (SELECT raypher_organisation()))',
      tenant_table
    );
  END LOOP;
END
$$;

GRANT SELECT ON approvals TO raypher_app;
GRANT UPDATE (votes, sent_at) ON approvals TO raypher_app;
GRANT SELECT, INSERT, DELETE ON approval_webhooks TO raypher_app;
GRANT UPDATE (format, host, key_id, sealed, updated_at, updated_by) ON approval_webhooks TO raypher_app;

-- The link can neither read nor write what people said, nor where a chat service is.
CREATE POLICY ingest ON approvals TO raypher_ingest USING (true) WITH CHECK (true);
GRANT SELECT (id, organisation_id, device_id, expires_at, how) ON approvals TO raypher_ingest;
GRANT INSERT (id, organisation_id, device_id, seq, asked_at, expires_at, actor, action, target, layer, rule, reason,
  revision, on_timeout, approvers_needed) ON approvals TO raypher_ingest;
GRANT UPDATE (ended_seq, ended_at, closed_at, how, outcome, decided_by, second_by, scope, minutes, end_reason, waited_ms, answered)
  ON approvals TO raypher_ingest;
