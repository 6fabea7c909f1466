-- The database of the control plane.
--
-- Four roles meet it (created before migrations run, see infra/):
--   raypher_owner   owns everything here and runs migrations
--   raypher_app     the REST side; sees one organisation per transaction (row-level security)
--   raypher_ingest  the link side; writes events and device heads, reads desired state
--   raypher_auth    sign-in only; owns nothing outside schema auth
--
-- Every table with an organisation_id has row-level security. The scope is the transaction setting
-- raypher.organisation; a query without it fails instead of returning nothing, so that a forgotten
-- scope is found by the first test that meets it.

CREATE FUNCTION raypher_organisation() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  scope text := current_setting('raypher.organisation', true);
BEGIN
  IF scope IS NULL OR scope = '' THEN
    RAISE EXCEPTION 'tenant scope is missing: set raypher.organisation in this transaction'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN scope::uuid;
END
$$;

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

-- ---- sign-in (schema of better-auth; nothing tenant-scoped in here) -------------------------

CREATE SCHEMA auth;

CREATE TABLE auth."user" (
  "id" text PRIMARY KEY,
  "name" text NOT NULL,
  "email" text NOT NULL UNIQUE,
  "emailVerified" boolean NOT NULL DEFAULT false,
  "image" text,
  "createdAt" timestamptz NOT NULL DEFAULT now(),
  "updatedAt" timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE auth."session" (
  "id" text PRIMARY KEY,
  "userId" text NOT NULL REFERENCES auth."user" ("id") ON DELETE CASCADE,
  "token" text NOT NULL UNIQUE,
  "expiresAt" timestamptz NOT NULL,
  "ipAddress" text,
  "userAgent" text,
  "createdAt" timestamptz NOT NULL DEFAULT now(),
  "updatedAt" timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX auth_session_user ON auth."session" ("userId");

CREATE TABLE auth."account" (
  "id" text PRIMARY KEY,
  "userId" text NOT NULL REFERENCES auth."user" ("id") ON DELETE CASCADE,
  "accountId" text NOT NULL,
  "providerId" text NOT NULL,
  "accessToken" text,
  "refreshToken" text,
  "idToken" text,
  "accessTokenExpiresAt" timestamptz,
  "refreshTokenExpiresAt" timestamptz,
  "scope" text,
  "password" text,
  "createdAt" timestamptz NOT NULL DEFAULT now(),
  "updatedAt" timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX auth_account_user ON auth."account" ("userId");

CREATE TABLE auth."verification" (
  "id" text PRIMARY KEY,
  "identifier" text NOT NULL,
  "value" text NOT NULL,
  "expiresAt" timestamptz NOT NULL,
  "createdAt" timestamptz NOT NULL DEFAULT now(),
  "updatedAt" timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX verification_identifier ON auth."verification" ("identifier");

CREATE TABLE auth."rateLimit" (
  "id" text PRIMARY KEY,
  "key" text NOT NULL UNIQUE,
  "count" integer NOT NULL,
  "lastRequest" bigint NOT NULL
);

-- ---- tenancy ---------------------------------------------------------------------------------

CREATE TABLE organisations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE teams (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organisation_id, name),
  UNIQUE (organisation_id, id)
);

CREATE TABLE members (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  -- auth."user".id; no foreign key across the schema boundary, sign-in stays replaceable
  user_id text NOT NULL,
  name text NOT NULL,
  email text NOT NULL,
  role text NOT NULL CHECK (role IN ('ciso', 'admin', 'manager', 'developer', 'auditor')),
  team_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  disabled_at timestamptz,
  PRIMARY KEY (organisation_id, user_id),
  FOREIGN KEY (organisation_id, team_id) REFERENCES teams (organisation_id, id)
);
CREATE INDEX members_user ON members (user_id);

CREATE TABLE api_tokens (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  secret_hash bytea NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
  scopes text[] NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);
CREATE INDEX api_tokens_organisation ON api_tokens (organisation_id, created_at);

-- Keys of an organisation. Private halves are encrypted (AES-256-GCM) under the master key, which
-- only the api role of the ingestor holds.
CREATE TABLE organisation_keys (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  purpose text NOT NULL CHECK (purpose IN ('device-ca', 'policy-signing')),
  key_id text NOT NULL,
  public_key bytea NOT NULL,
  encrypted_private_key bytea NOT NULL,
  -- PEM, for the certificate authority
  certificate text,
  created_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz,
  PRIMARY KEY (organisation_id, purpose, key_id)
);

-- ---- devices ---------------------------------------------------------------------------------

CREATE TABLE enrolment_tokens (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  team_id uuid,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
  max_uses integer NOT NULL CHECK (max_uses BETWEEN 1 AND 100000),
  uses integer NOT NULL DEFAULT 0 CHECK (uses <= max_uses),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  FOREIGN KEY (organisation_id, team_id) REFERENCES teams (organisation_id, id)
);
CREATE INDEX enrolment_tokens_organisation ON enrolment_tokens (organisation_id, created_at);

CREATE TABLE devices (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  team_id uuid,
  hostname text NOT NULL,
  label text,
  os text NOT NULL,
  kernel text NOT NULL,
  arch text NOT NULL,
  agent_version text NOT NULL,
  identity_class text NOT NULL CHECK (identity_class IN ('hardware', 'virtual', 'unverified', 'software')),
  -- SHA-256 of the device key's SubjectPublicKeyInfo
  key_fingerprint bytea NOT NULL CHECK (length(key_fingerprint) = 32),
  machine_id text NOT NULL,
  simulated boolean NOT NULL DEFAULT false,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'revoked')),
  enrolled_with uuid REFERENCES enrolment_tokens (id),
  enrolled_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  revoke_reason text,
  -- what the link last reported, flushed in bulk; presence itself lives in Redis
  last_seen_at timestamptz,
  posture jsonb NOT NULL DEFAULT '[]',
  facts jsonb NOT NULL DEFAULT '{}',
  applied_policy_revision bigint NOT NULL DEFAULT 0,
  applied_freeze_revision bigint NOT NULL DEFAULT 0,
  UNIQUE (organisation_id, id),
  FOREIGN KEY (organisation_id, team_id) REFERENCES teams (organisation_id, id)
);
CREATE INDEX devices_organisation_hostname ON devices (organisation_id, hostname, id);
-- One key is one device: a second enrolment with the same key is a repetition or a clone.
CREATE UNIQUE INDEX devices_key ON devices (organisation_id, key_fingerprint) WHERE status = 'active';

CREATE TABLE device_certificates (
  -- SHA-256 of the certificate (DER)
  fingerprint bytea PRIMARY KEY CHECK (length(fingerprint) = 32),
  organisation_id uuid NOT NULL,
  device_id uuid NOT NULL,
  serial text NOT NULL,
  not_before timestamptz NOT NULL,
  not_after timestamptz NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);
CREATE INDEX device_certificates_device ON device_certificates (device_id, not_after);

-- The newest state per device and AI agent, replaced by each inventory snapshot.
CREATE TABLE ai_agents (
  organisation_id uuid NOT NULL,
  device_id uuid NOT NULL,
  -- AiAgentId: SHA-256 hex, stable across code changes
  id text NOT NULL,
  name text NOT NULL,
  user_name text NOT NULL,
  exe_path text NOT NULL,
  exe_sha256 text NOT NULL,
  entry_script text NOT NULL,
  libraries text[] NOT NULL,
  models text[] NOT NULL,
  signatures text[] NOT NULL,
  risk text NOT NULL,
  confidence text NOT NULL,
  evidence text[] NOT NULL,
  processes jsonb NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'frozen', 'gone')),
  first_seen_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  PRIMARY KEY (device_id, id),
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);
CREATE INDEX ai_agents_organisation ON ai_agents (organisation_id, state, last_seen_at DESC);

-- ---- desired state ---------------------------------------------------------------------------

CREATE TABLE policy_revisions (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  revision bigint NOT NULL CHECK (revision > 0),
  -- [{layer, team?, source}] exactly as written
  documents jsonb NOT NULL,
  reason text NOT NULL,
  rolled_back_to bigint,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organisation_id, revision)
);

CREATE TABLE freezes (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  selector jsonb NOT NULL,
  reason text NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  thawed_by text,
  thawed_at timestamptz,
  thaw_reason text,
  -- the rollout that carries its newest state
  rollout_id uuid
);
CREATE INDEX freezes_organisation ON freezes (organisation_id, created_at DESC);

-- What devices are sent: one signed payload per revision and audience. team_id NULL is for devices
-- without a team and for teams that have no document of their own.
CREATE TABLE state_bundles (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  kind text NOT NULL CHECK (kind IN ('policy', 'freeze')),
  revision bigint NOT NULL CHECK (revision > 0),
  team_id uuid,
  payload bytea NOT NULL,
  digest bytea NOT NULL CHECK (length(digest) = 32),
  signature bytea NOT NULL CHECK (length(signature) = 64),
  key_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE NULLS NOT DISTINCT (organisation_id, kind, revision, team_id)
);

CREATE TABLE rollouts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  kind text NOT NULL CHECK (kind IN ('policy', 'freeze')),
  revision bigint NOT NULL,
  title text NOT NULL,
  reason text NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  superseded_at timestamptz,
  UNIQUE (organisation_id, kind, revision),
  UNIQUE (organisation_id, id)
);

ALTER TABLE freezes ADD FOREIGN KEY (organisation_id, rollout_id) REFERENCES rollouts (organisation_id, id);

-- A row appears with the first acknowledgement; devices without one are pending or unreachable.
CREATE TABLE rollout_devices (
  organisation_id uuid NOT NULL,
  rollout_id uuid NOT NULL,
  device_id uuid NOT NULL,
  phase text NOT NULL CHECK (phase IN ('received', 'verified', 'applied', 'rejected')),
  code text NOT NULL DEFAULT '',
  detail text NOT NULL DEFAULT '',
  affected integer NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (rollout_id, device_id),
  FOREIGN KEY (organisation_id, rollout_id) REFERENCES rollouts (organisation_id, id),
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);

CREATE TABLE commands (
  id uuid PRIMARY KEY,
  organisation_id uuid NOT NULL,
  device_id uuid NOT NULL,
  verb text NOT NULL,
  payload bytea NOT NULL,
  signature bytea NOT NULL,
  key_id text NOT NULL,
  reason text NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  finished_at timestamptz,
  ok boolean,
  code text,
  detail text,
  result jsonb,
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);
CREATE INDEX commands_waiting ON commands (device_id, created_at) WHERE finished_at IS NULL;

-- Written in the transaction that changes desired state; a relay publishes it to Redis afterwards.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  topic text NOT NULL CHECK (topic IN ('policy', 'freeze', 'command', 'revoke')),
  message jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz
);
CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at IS NULL;

-- ---- the record ------------------------------------------------------------------------------

-- The head of each device's chain: what makes delivery at-least-once and the ledger exactly-once.
CREATE TABLE device_chains (
  device_id uuid PRIMARY KEY,
  organisation_id uuid NOT NULL,
  last_seq bigint NOT NULL DEFAULT 0,
  last_hash bytea NOT NULL CHECK (length(last_hash) = 32),
  updated_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);

CREATE SEQUENCE events_position;

CREATE TABLE events (
  organisation_id uuid NOT NULL,
  device_id uuid NOT NULL,
  seq bigint NOT NULL,
  -- order of arrival, for paging and live views
  position bigint NOT NULL DEFAULT nextval('events_position'),
  received_on date NOT NULL,
  received_at timestamptz NOT NULL,
  -- the device's clock
  occurred_at timestamptz NOT NULL,
  type text NOT NULL,
  severity text NOT NULL,
  actor_kind text NOT NULL,
  actor_id text NOT NULL,
  actor_name text NOT NULL,
  action text NOT NULL,
  target text NOT NULL,
  outcome text,
  mode text,
  rule text,
  policy_revision bigint,
  -- SHA-256 of entry's bytes
  hash bytea NOT NULL,
  -- the exact canonical bytes (RFC 8785, UTF-8)
  entry text NOT NULL,
  PRIMARY KEY (device_id, seq, received_on)
) PARTITION BY RANGE (received_on);
CREATE INDEX events_tail ON events (organisation_id, position DESC);
CREATE INDEX events_refusals ON events (organisation_id, position DESC) WHERE outcome IN ('DENY', 'PROMPT');
-- Rows arrive in the order of received_at, so a block-range index finds minutes and days at next to no cost
-- for the writer.
CREATE INDEX events_received ON events USING brin (received_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- COPY refuses tables with row-level security, so the link side writes the daily leaf directly:
-- leaves carry no policy, but nobody except raypher_ingest may touch one, and it may only insert.
CREATE FUNCTION ensure_event_partition(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  leaf text := 'events_' || to_char(day, 'YYYYMMDD');
BEGIN
  IF day < current_date - 7 OR day > current_date + 30 THEN
    RAISE EXCEPTION 'no event partition is made for %', day;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('ensure_event_partition'));
  IF to_regclass('public.' || leaf) IS NOT NULL THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)', leaf, day, day + 1);
  EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', leaf);
  EXECUTE format('GRANT INSERT ON %I TO raypher_ingest', leaf);
END
$$;
REVOKE ALL ON FUNCTION ensure_event_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_event_partition(date) TO raypher_ingest, raypher_app;

CREATE TABLE alerts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  -- one open alert per subject: a repeat raises the count instead of another row
  kind text NOT NULL,
  subject text NOT NULL,
  severity text NOT NULL CHECK (severity IN ('notice', 'warning', 'critical')),
  title text NOT NULL,
  detail jsonb NOT NULL DEFAULT '{}',
  device_id uuid,
  occurrences integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_at timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  resolved_by text
);
CREATE UNIQUE INDEX alerts_open ON alerts (organisation_id, kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX alerts_recent ON alerts (organisation_id, last_at DESC);

-- What people and API tokens did.
CREATE TABLE audit_entries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  at timestamptz NOT NULL DEFAULT now(),
  actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'api-token', 'system')),
  actor_id text NOT NULL,
  actor_name text NOT NULL,
  action text NOT NULL,
  target text NOT NULL,
  reason text NOT NULL DEFAULT '',
  before jsonb,
  after jsonb,
  address text NOT NULL DEFAULT ''
);
CREATE INDEX audit_entries_recent ON audit_entries (organisation_id, id DESC);
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_append_only_truncate BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ---- who sees what ---------------------------------------------------------------------------

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY[
    'teams', 'members', 'api_tokens', 'organisation_keys', 'enrolment_tokens', 'devices', 'device_certificates',
    'ai_agents', 'policy_revisions', 'freezes', 'state_bundles', 'rollouts', 'rollout_devices', 'commands', 'outbox',
    'device_chains', 'events', 'alerts', 'audit_entries'
  ] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO raypher_app USING (organisation_id = (SELECT raypher_organisation())) WITH CHECK (organisation_id = (SELECT raypher_organisation()))',
      tenant_table
    );
  END LOOP;
END
$$;

ALTER TABLE organisations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organisations TO raypher_app
  USING (id = (SELECT raypher_organisation())) WITH CHECK (id = (SELECT raypher_organisation()));

GRANT USAGE ON SCHEMA public TO raypher_app, raypher_ingest;
GRANT SELECT, INSERT ON organisations, organisation_keys, policy_revisions, state_bundles TO raypher_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON teams, members TO raypher_app;
GRANT SELECT, INSERT, UPDATE ON api_tokens, enrolment_tokens, devices, device_certificates, freezes, rollouts,
  commands, outbox, alerts TO raypher_app;
GRANT SELECT, INSERT ON device_chains TO raypher_app;
GRANT SELECT ON ai_agents, rollout_devices, events TO raypher_app;
GRANT SELECT, INSERT ON audit_entries TO raypher_app;
GRANT DELETE ON outbox TO raypher_app;

-- The link side writes for many organisations in one micro-batch, so its policies on exactly these
-- tables do not ask for a scope; it can read neither events nor keys nor people.
CREATE POLICY ingest ON device_chains TO raypher_ingest USING (true) WITH CHECK (true);
CREATE POLICY ingest ON devices TO raypher_ingest USING (true) WITH CHECK (true);
CREATE POLICY ingest ON device_certificates TO raypher_ingest USING (true);
CREATE POLICY ingest ON ai_agents TO raypher_ingest USING (true) WITH CHECK (true);
CREATE POLICY ingest ON state_bundles TO raypher_ingest USING (true);
CREATE POLICY ingest ON rollouts TO raypher_ingest USING (true);
CREATE POLICY ingest ON rollout_devices TO raypher_ingest USING (true) WITH CHECK (true);
CREATE POLICY ingest ON commands TO raypher_ingest USING (true) WITH CHECK (true);
CREATE POLICY ingest ON alerts TO raypher_ingest USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON device_chains TO raypher_ingest;
GRANT SELECT ON devices, device_certificates, state_bundles, rollouts TO raypher_ingest;
GRANT UPDATE (hostname, os, kernel, arch, agent_version, last_seen_at, posture, facts, applied_policy_revision,
  applied_freeze_revision) ON devices TO raypher_ingest;
GRANT SELECT, INSERT, UPDATE ON ai_agents, rollout_devices TO raypher_ingest;
GRANT SELECT ON commands TO raypher_ingest;
GRANT UPDATE (finished_at, ok, code, detail, result) ON commands TO raypher_ingest;
GRANT SELECT, INSERT, UPDATE ON alerts TO raypher_ingest;
GRANT USAGE ON SEQUENCE events_position TO raypher_ingest;

GRANT USAGE ON SCHEMA auth TO raypher_auth;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA auth TO raypher_auth;

-- ---- from a credential to its organisation ---------------------------------------------------
-- The only look-ups that cross tenants. Each takes something unguessable or already authenticated.

CREATE FUNCTION resolve_memberships(wanted_user text)
RETURNS TABLE (organisation_id uuid, organisation_name text, role text, team_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT m.organisation_id, o.name, m.role, m.team_id
  FROM members m JOIN organisations o ON o.id = m.organisation_id
  WHERE m.user_id = wanted_user AND m.disabled_at IS NULL
  ORDER BY m.created_at
$$;

CREATE FUNCTION resolve_api_token(wanted_hash bytea)
RETURNS TABLE (id uuid, organisation_id uuid, organisation_name text, name text, scopes text[], expires_at timestamptz,
  revoked_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.id, t.organisation_id, o.name, t.name, t.scopes, t.expires_at, t.revoked_at
  FROM api_tokens t JOIN organisations o ON o.id = t.organisation_id
  WHERE t.secret_hash = wanted_hash
$$;

CREATE FUNCTION resolve_enrolment_token(wanted_id uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.organisation_id FROM enrolment_tokens t WHERE t.id = wanted_id
$$;

CREATE FUNCTION organisation_ids() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT id FROM organisations ORDER BY created_at
$$;

CREATE FUNCTION waiting_outbox(most integer)
RETURNS TABLE (id bigint, organisation_id uuid, topic text, message jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT o.id, o.organisation_id, o.topic, o.message FROM outbox o WHERE o.published_at IS NULL ORDER BY o.id LIMIT most
$$;

CREATE FUNCTION mark_outbox_published(ids bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE outbox SET published_at = now() WHERE id = ANY (ids)
$$;

REVOKE ALL ON FUNCTION resolve_memberships(text), resolve_api_token(bytea), resolve_enrolment_token(uuid),
  organisation_ids(), waiting_outbox(integer), mark_outbox_published(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolve_memberships(text), resolve_api_token(bytea), resolve_enrolment_token(uuid),
  organisation_ids(), waiting_outbox(integer), mark_outbox_published(bigint[]) TO raypher_app;
GRANT EXECUTE ON FUNCTION organisation_ids() TO raypher_ingest;

SELECT ensure_event_partition((current_date + n)::date) FROM generate_series(0, 7) AS n;
