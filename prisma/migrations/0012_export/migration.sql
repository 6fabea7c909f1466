-- Where the organisation's log is sent: Splunk, a webhook, a syslog server, a file. In the order of the log, from a cursor
-- that moves after the receiver has confirmed.

CREATE TABLE export_destinations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  kind text NOT NULL CHECK (kind IN ('splunk-hec', 'webhook', 'syslog-tls', 'file')),
  name text NOT NULL,
  -- https://host:port/path or host:port; empty for the file, whose place the operator chose
  address text NOT NULL,
  -- what the kind needs beside the address, and nothing secret
  settings jsonb NOT NULL DEFAULT '{}',
  -- types and least severity; {} is everything
  filter jsonb NOT NULL DEFAULT '{}',
  -- PEM, instead of the usual authorities
  ca text,
  key_id text NOT NULL,
  -- token, signing key or client key, JSON, under the master key
  sealed bytea NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  -- whoever sends looks whether it is still the same
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by text NOT NULL,
  UNIQUE (organisation_id, id)
);
-- One file per organisation: two writers of one file would mix their lines.
CREATE UNIQUE INDEX export_destinations_file ON export_destinations (organisation_id) WHERE kind = 'file';

CREATE TABLE export_cursors (
  organisation_id uuid NOT NULL,
  destination_id uuid PRIMARY KEY,
  -- place in the log of the first entry that was not confirmed yet
  next_index bigint NOT NULL CHECK (next_index >= 0),
  sent bigint NOT NULL DEFAULT 0,
  sent_at timestamptz,
  -- of several api processes one sends
  lease_owner uuid,
  lease_until timestamptz,
  failures integer NOT NULL DEFAULT 0,
  failing_since timestamptz,
  -- what the receiver said, masked and cut
  failure text,
  retry_at timestamptz,
  FOREIGN KEY (organisation_id, destination_id) REFERENCES export_destinations (organisation_id, id) ON DELETE CASCADE
);

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['export_destinations', 'export_cursors'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO raypher_app USING (organisation_id = (SELECT raypher_organisation())) WITH CHECK (organisation_id = (SELECT raypher_organisation()))',
      tenant_table
    );
  END LOOP;
END
$$;

GRANT SELECT, INSERT, DELETE ON export_destinations TO raypher_app;
GRANT UPDATE (name, address, settings, filter, ca, key_id, sealed, enabled, version, updated_at, updated_by)
  ON export_destinations TO raypher_app;
GRANT SELECT, INSERT ON export_cursors TO raypher_app;
GRANT UPDATE (next_index, sent, sent_at, lease_owner, lease_until, failures, failing_since, failure, retry_at)
  ON export_cursors TO raypher_app;

-- Places that the log of an organisation has.
CREATE FUNCTION placed_entries(organisation uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT greatest(
    (SELECT first_index + count FROM ledger_batches
      WHERE organisation_id = organisation AND first_index IS NOT NULL ORDER BY first_index DESC LIMIT 1),
    (SELECT leaf_index + 1 FROM ledger_control
      WHERE organisation_id = organisation AND leaf_index IS NOT NULL ORDER BY leaf_index DESC LIMIT 1),
    0)
$$;
REVOKE ALL ON FUNCTION placed_entries(uuid) FROM PUBLIC;

-- Destinations that have something to be sent, that may be tried, and that nobody sends to at the moment.
CREATE FUNCTION waiting_exports(most integer) RETURNS TABLE (organisation_id uuid, destination_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT d.organisation_id, d.id FROM export_destinations d JOIN export_cursors c ON c.destination_id = d.id
  WHERE d.enabled AND (c.lease_until IS NULL OR c.lease_until < now()) AND (c.retry_at IS NULL OR c.retry_at <= now())
    AND c.next_index < placed_entries(d.organisation_id)
  ORDER BY c.sent_at NULLS FIRST LIMIT most
$$;
REVOKE ALL ON FUNCTION waiting_exports(integer) FROM PUBLIC;

-- How far every destination is behind. A batch has at most 512 entries.
CREATE FUNCTION export_lags() RETURNS TABLE (destination_id uuid, entries bigint, seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.destination_id, greatest(0, placed_entries(c.organisation_id) - c.next_index),
    coalesce(extract(epoch FROM now() - coalesce(
      (SELECT e.received_at FROM ledger_batches b
        JOIN events e ON e.device_id = b.device_id AND e.seq = b.first_seq + c.next_index - b.first_index
        WHERE b.organisation_id = c.organisation_id AND b.first_index > c.next_index - 512
          AND b.first_index <= c.next_index AND b.first_index + b.count > c.next_index LIMIT 1),
      (SELECT l.at FROM ledger_control l WHERE l.organisation_id = c.organisation_id AND l.leaf_index = c.next_index))), 0)
  FROM export_cursors c JOIN export_destinations d ON d.id = c.destination_id WHERE d.enabled
$$;
REVOKE ALL ON FUNCTION export_lags() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION waiting_exports(integer), export_lags() TO raypher_app;
