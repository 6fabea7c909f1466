-- Sensitive data in messages of AI agents, and what may be erased of the record about it.

-- How long an organisation keeps what stands beside its entries; 30 days without a row.
CREATE TABLE private_retention (
  organisation_id uuid PRIMARY KEY REFERENCES organisations (id),
  days integer NOT NULL CHECK (days BETWEEN 1 AND 365),
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL
);

-- Exactly the bytes whose SHA-256 an entry holds. Unlike entries they may be deleted: the entry and its proof stay.
CREATE TABLE event_private (
  organisation_id uuid NOT NULL,
  device_id uuid NOT NULL,
  seq bigint NOT NULL,
  content bytea NOT NULL CHECK (length(content) <= 16384),
  stored_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (device_id, seq),
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);
CREATE INDEX event_private_expiry ON event_private (organisation_id, expires_at);

-- The same data, sent by the same AI agent to the same host with the same outcome, is one incident until it is resolved.
CREATE TABLE incidents (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  device_id uuid NOT NULL,
  -- SHA-256 over what makes occurrences the same
  fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
  actor_kind text NOT NULL,
  agent_id text NOT NULL,
  agent_name text NOT NULL,
  user_name text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('out', 'in')),
  host text NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  classes text[] NOT NULL,
  detectors text[] NOT NULL,
  places text[] NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('block', 'redact', 'alert', 'prompt', 'allow')),
  would_block boolean NOT NULL,
  severity text NOT NULL CHECK (severity IN ('info', 'notice', 'warning', 'critical')),
  -- pieces of data in one message, the most so far
  findings integer NOT NULL,
  occurrences integer NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  last_seq bigint NOT NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'acknowledged', 'resolved', 'false-positive')),
  assignee text,
  resolved_at timestamptz,
  resolved_by text,
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);
CREATE UNIQUE INDEX incidents_same ON incidents (organisation_id, fingerprint) WHERE status <> 'resolved';
CREATE INDEX incidents_recent ON incidents (organisation_id, last_at DESC, id DESC);

-- The first thousand occurrences of each incident.
CREATE TABLE incident_events (
  organisation_id uuid NOT NULL,
  incident_id uuid NOT NULL REFERENCES incidents (id),
  device_id uuid NOT NULL,
  seq bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  had_private boolean NOT NULL,
  erased_at timestamptz,
  PRIMARY KEY (device_id, seq),
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);
CREATE INDEX incident_events_of ON incident_events (incident_id, seq DESC);

-- What people decided about an incident.
CREATE TABLE incident_changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id uuid NOT NULL,
  incident_id uuid NOT NULL REFERENCES incidents (id),
  at timestamptz NOT NULL DEFAULT now(),
  by_name text NOT NULL,
  status text NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved', 'false-positive')),
  note text NOT NULL
);
CREATE INDEX incident_changes_of ON incident_changes (incident_id, id);
CREATE TRIGGER incident_changes_append_only BEFORE UPDATE OR DELETE ON incident_changes
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['private_retention', 'event_private', 'incidents', 'incident_events', 'incident_changes'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO raypher_app USING (organisation_id = (SELECT raypher_organisation())) WITH CHECK (organisation_id = (SELECT raypher_organisation()))',
      tenant_table
    );
  END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE ON private_retention TO raypher_app;
GRANT SELECT, DELETE ON event_private TO raypher_app;
GRANT UPDATE (expires_at) ON event_private TO raypher_app;
GRANT SELECT ON incidents, incident_events TO raypher_app;
GRANT UPDATE (status, assignee, resolved_at, resolved_by) ON incidents TO raypher_app;
GRANT UPDATE (erased_at) ON incident_events TO raypher_app;
GRANT SELECT, INSERT ON incident_changes TO raypher_app;

-- The link side opens and counts incidents; it can read neither the private parts nor what people noted.
CREATE POLICY ingest ON private_retention TO raypher_ingest USING (true);
CREATE POLICY ingest ON event_private FOR INSERT TO raypher_ingest WITH CHECK (true);
CREATE POLICY ingest ON incidents TO raypher_ingest USING (true) WITH CHECK (true);
CREATE POLICY ingest ON incident_events FOR INSERT TO raypher_ingest WITH CHECK (true);
GRANT SELECT ON private_retention TO raypher_ingest;
GRANT INSERT ON event_private, incident_events TO raypher_ingest;
GRANT SELECT, INSERT ON incidents TO raypher_ingest;
GRANT UPDATE (occurrences, findings, last_at, last_seq, places, would_block) ON incidents TO raypher_ingest;
