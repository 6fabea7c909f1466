-- One append-only Merkle log per organisation (RFC 6962 hashing, C2SP tlog-tiles and signed-note).
--
-- What happens first is durable in the transaction that it belongs to: a batch of a device in ledger_batches, what the
-- control plane does in ledger_control. It has no place in the log yet. About once a second one writer per organisation
-- gives everything that waits its place, extends the tiles and, every few seconds, signs a checkpoint.

ALTER TABLE organisation_keys DROP CONSTRAINT organisation_keys_purpose_check;
ALTER TABLE organisation_keys ADD CONSTRAINT organisation_keys_purpose_check
  CHECK (purpose IN ('device-ca', 'policy-signing', 'log-signing'));

CREATE TABLE ledger_logs (
  organisation_id uuid PRIMARY KEY REFERENCES organisations (id),
  -- first line of every checkpoint; names the log for ever
  origin text NOT NULL UNIQUE CHECK (origin !~ '[\s+]'),
  -- leaves in the tiles
  size bigint NOT NULL DEFAULT 0,
  -- roots of the perfect subtrees of these leaves, largest first, 32 bytes each
  frontier bytea NOT NULL DEFAULT '' CHECK (length(frontier) = 32 * bit_count(size::bit(64))),
  -- end of the chain of control entries
  control_id bigint NOT NULL DEFAULT 0,
  control_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (length(control_hash) = 32),
  -- the organisation's policy key vouches for the log's key: devices know the first one
  key_statement bytea,
  key_signature bytea,
  policy_key_id text,
  -- grows when a log begins again under another name, which says why in its first entry
  generation integer NOT NULL DEFAULT 1,
  -- what the self-audit, or the signer, found last
  state text NOT NULL DEFAULT 'OK' CHECK (state IN ('OK', 'CORRUPTED')),
  -- first bad entries, and how many there are
  faults jsonb,
  -- entries that were looked at one after the other since the last complete audit, and when
  audited_size bigint NOT NULL DEFAULT 0,
  audited_at timestamptz,
  -- the last audit of everything
  completed_at timestamptz
);

-- One row for the new entries of one signed batch. Their bytes are in events.
CREATE TABLE ledger_batches (
  organisation_id uuid NOT NULL,
  device_id uuid NOT NULL,
  -- of the entries that were new
  first_seq bigint NOT NULL,
  count integer NOT NULL CHECK (count > 0),
  -- what the device signed: the batch may have begun with entries that were stored before. Null signature: stored
  -- before batches were kept
  signed_first_seq bigint NOT NULL,
  signed_count integer NOT NULL,
  head bytea NOT NULL CHECK (length(head) = 32),
  signature bytea,
  -- order of arrival; that of one device is the order of its entries
  arrival bigint GENERATED ALWAYS AS IDENTITY,
  -- RFC 6962 leaf hashes, 32 bytes each, until they are in the tiles
  leaf_hashes bytea CHECK (length(leaf_hashes) = 32 * count),
  -- place of the first entry in the log
  first_index bigint,
  CHECK ((leaf_hashes IS NULL) = (first_index IS NOT NULL)),
  CHECK (signed_first_seq <= first_seq AND signed_first_seq + signed_count = first_seq + count),
  PRIMARY KEY (device_id, first_seq),
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);
CREATE INDEX ledger_batches_waiting ON ledger_batches (organisation_id, arrival) WHERE first_index IS NULL;
CREATE UNIQUE INDEX ledger_batches_placed ON ledger_batches (organisation_id, first_index) WHERE first_index IS NOT NULL;

-- What the control plane itself puts into the record: administrators' actions, keys of devices, revisions, commands.
CREATE TABLE ledger_control (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('audit', 'device-key', 'policy', 'freeze', 'command', 'log-key')),
  at timestamptz NOT NULL DEFAULT now(),
  -- members of the entry that are its kind's own
  body jsonb NOT NULL,
  -- exactly the bytes that the entry commits to; may be erased
  private bytea,
  commitment bytea CHECK (length(commitment) = 32),
  -- with its place: number in the chain of control entries (from 1, without gaps), canonical bytes, place in the log
  id bigint,
  entry text,
  hash bytea CHECK (length(hash) = 32),
  leaf_index bigint,
  CHECK (num_nulls(id, entry, hash, leaf_index) IN (0, 4)),
  CHECK (private IS NULL OR commitment IS NOT NULL)
);
CREATE INDEX ledger_control_waiting ON ledger_control (organisation_id, arrival) WHERE id IS NULL;
CREATE UNIQUE INDEX ledger_control_chain ON ledger_control (organisation_id, id) WHERE id IS NOT NULL;
CREATE INDEX ledger_control_audit ON ledger_control (organisation_id, (body ->> 'audit')) WHERE kind = 'audit';
CREATE UNIQUE INDEX ledger_control_placed ON ledger_control (organisation_id, leaf_index) WHERE leaf_index IS NOT NULL;

-- C2SP tlog-tiles of height 8: 256 hashes, or fewer at the right edge.
CREATE TABLE ledger_tiles (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
  tile_index bigint NOT NULL,
  hashes bytea NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
  PRIMARY KEY (organisation_id, level, tile_index)
);

CREATE TABLE ledger_checkpoints (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  size bigint NOT NULL,
  root bytea NOT NULL CHECK (length(root) = 32),
  at timestamptz NOT NULL DEFAULT now(),
  -- signed by the log's own key; what others say of it is in ledger_anchors
  note text NOT NULL,
  PRIMARY KEY (organisation_id, size)
);

-- Somebody else saw this checkpoint.
CREATE TABLE ledger_anchors (
  organisation_id uuid NOT NULL,
  size bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('witness', 'rfc3161')),
  -- of the witness' key, or of the time stamping authority
  name text NOT NULL,
  -- signature line of a note, or a DER time stamp token
  content bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organisation_id, size, kind, name),
  FOREIGN KEY (organisation_id, size) REFERENCES ledger_checkpoints (organisation_id, size)
);

-- ---- what can never change -------------------------------------------------------------------

CREATE FUNCTION refuse_change_of_batch() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.first_index IS NOT NULL THEN
    RAISE EXCEPTION 'a batch keeps its place' USING ERRCODE = 'insufficient_privilege';
  END IF;
  NEW.leaf_hashes := NULL;
  IF (NEW.organisation_id, NEW.device_id, NEW.first_seq, NEW.count, NEW.signed_first_seq, NEW.signed_count, NEW.head,
      NEW.signature, NEW.arrival)
    IS DISTINCT FROM (OLD.organisation_id, OLD.device_id, OLD.first_seq, OLD.count, OLD.signed_first_seq,
      OLD.signed_count, OLD.head, OLD.signature, OLD.arrival) THEN
    RAISE EXCEPTION 'a batch is given its place and nothing else' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;

-- Gets its place once. Afterwards only what it commits to may be erased.
CREATE FUNCTION refuse_change_of_control() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.organisation_id, NEW.arrival, NEW.kind, NEW.at, NEW.body, NEW.commitment)
    IS DISTINCT FROM (OLD.organisation_id, OLD.arrival, OLD.kind, OLD.at, OLD.body, OLD.commitment)
    OR (OLD.id IS NOT NULL AND (NEW.id, NEW.entry, NEW.hash, NEW.leaf_index)
      IS DISTINCT FROM (OLD.id, OLD.entry, OLD.hash, OLD.leaf_index))
    OR (NEW.private IS NOT NULL AND NEW.private IS DISTINCT FROM OLD.private) THEN
    RAISE EXCEPTION 'ledger_control is append-only' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;

CREATE FUNCTION refuse_narrower_tile() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.organisation_id <> OLD.organisation_id OR NEW.level <> OLD.level OR NEW.tile_index <> OLD.tile_index
     OR substring(NEW.hashes FOR length(OLD.hashes)) <> OLD.hashes THEN
    RAISE EXCEPTION 'a tile only ever gets wider' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;

-- A log only ever grows, and keeps its name, until it begins again under another.
CREATE FUNCTION refuse_shorter_log() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.organisation_id <> OLD.organisation_id OR NEW.size < OLD.size
     OR NEW.generation NOT IN (OLD.generation, OLD.generation + 1)
     OR (NEW.origin <> OLD.origin) <> (NEW.generation <> OLD.generation)
     OR NEW.control_id < OLD.control_id OR (NEW.size = OLD.size AND NEW.frontier <> OLD.frontier) THEN
    RAISE EXCEPTION 'a log only ever grows' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;

-- Who did what is erased where the law wants it. That something was done stays, and so does the proof of it.
CREATE FUNCTION refuse_change_of_audit() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE'
     OR (NEW.id, NEW.organisation_id, NEW.at, NEW.actor_kind, NEW.actor_id, NEW.action)
       IS DISTINCT FROM (OLD.id, OLD.organisation_id, OLD.at, OLD.actor_kind, OLD.actor_id, OLD.action)
     OR (NEW.actor_name, NEW.address, NEW.target, NEW.reason) <> ('', '', '', '')
     OR num_nonnulls(NEW.before, NEW.after) > 0 THEN
    RAISE EXCEPTION 'audit_entries is append-only' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;
DROP TRIGGER audit_append_only ON audit_entries;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_audit();

-- Erases what an audit entry says about people, and what its entry in the log commits to. False: there is no such entry.
CREATE FUNCTION erase_audit_entry(entry_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  scope uuid := raypher_organisation();
BEGIN
  UPDATE audit_entries SET actor_name = '', address = '', target = '', reason = '', before = NULL, after = NULL
    WHERE organisation_id = scope AND id = entry_id;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE ledger_control SET private = NULL
    WHERE organisation_id = scope AND kind = 'audit' AND body ->> 'audit' = entry_id::text;
  RETURN true;
END
$$;
REVOKE ALL ON FUNCTION erase_audit_entry(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_audit_entry(bigint) TO raypher_app;

CREATE TRIGGER ledger_logs_grow BEFORE UPDATE ON ledger_logs FOR EACH ROW EXECUTE FUNCTION refuse_shorter_log();
CREATE TRIGGER ledger_batches_placed BEFORE UPDATE ON ledger_batches FOR EACH ROW EXECUTE FUNCTION refuse_change_of_batch();
CREATE TRIGGER ledger_control_placed BEFORE UPDATE ON ledger_control FOR EACH ROW EXECUTE FUNCTION refuse_change_of_control();
CREATE TRIGGER ledger_tiles_grow BEFORE UPDATE ON ledger_tiles FOR EACH ROW EXECUTE FUNCTION refuse_narrower_tile();
CREATE TRIGGER ledger_checkpoints_append_only BEFORE UPDATE ON ledger_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_anchors_append_only BEFORE UPDATE ON ledger_anchors FOR EACH ROW EXECUTE FUNCTION refuse_change();

DO $$
DECLARE
  ledger_table text;
BEGIN
  FOREACH ledger_table IN ARRAY ARRAY[
    'ledger_logs', 'ledger_batches', 'ledger_control', 'ledger_tiles', 'ledger_checkpoints', 'ledger_anchors'
  ] LOOP
    EXECUTE format('CREATE TRIGGER refuse_delete BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', ledger_table);
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', ledger_table);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', ledger_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO raypher_app USING (organisation_id = (SELECT raypher_organisation())) WITH CHECK (organisation_id = (SELECT raypher_organisation()))',
      ledger_table
    );
  END LOOP;
END
$$;

-- ---- who may do what -------------------------------------------------------------------------

GRANT SELECT, INSERT, UPDATE ON ledger_logs TO raypher_app;
GRANT SELECT, UPDATE (leaf_hashes, first_index) ON ledger_batches TO raypher_app;
GRANT SELECT, INSERT, UPDATE (id, entry, hash, leaf_index) ON ledger_control TO raypher_app;
GRANT SELECT, INSERT, UPDATE (hashes) ON ledger_tiles TO raypher_app;
GRANT SELECT, INSERT ON ledger_checkpoints, ledger_anchors TO raypher_app;

-- The link side adds batches, and shows devices how the log grew.
CREATE POLICY ingest ON ledger_batches TO raypher_ingest USING (true) WITH CHECK (true);
CREATE POLICY ingest ON ledger_logs TO raypher_ingest USING (true);
CREATE POLICY ingest ON ledger_tiles TO raypher_ingest USING (true);
CREATE POLICY ingest ON ledger_checkpoints TO raypher_ingest USING (true);
CREATE POLICY ingest ON ledger_anchors TO raypher_ingest USING (true);
GRANT INSERT ON ledger_batches TO raypher_ingest;
GRANT SELECT ON ledger_logs, ledger_tiles, ledger_checkpoints, ledger_anchors TO raypher_ingest;

-- Organisations with something that has no place in their log yet.
CREATE FUNCTION waiting_for_log() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT organisation_id FROM ledger_batches WHERE first_index IS NULL
  UNION
  SELECT organisation_id FROM ledger_control WHERE id IS NULL
$$;
REVOKE ALL ON FUNCTION waiting_for_log() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION waiting_for_log() TO raypher_app;

-- Organisations whose log has grown since it was signed last.
CREATE FUNCTION unsigned_logs() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT organisation_id FROM ledger_logs l
  WHERE size > coalesce((SELECT max(c.size) FROM ledger_checkpoints c WHERE c.organisation_id = l.organisation_id), 0)
$$;
REVOKE ALL ON FUNCTION unsigned_logs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION unsigned_logs() TO raypher_app;

-- ---- what is here already --------------------------------------------------------------------

-- Entries that were stored before batches were kept: unsigned, but in the log.
INSERT INTO ledger_batches (organisation_id, device_id, first_seq, count, signed_first_seq, signed_count, head, leaf_hashes)
SELECT organisation_id, device_id, min(seq), count(*), min(seq), count(*),
  (array_agg(hash ORDER BY seq DESC))[1],
  string_agg(sha256('\x00'::bytea || convert_to(entry, 'UTF8')), ''::bytea ORDER BY seq)
FROM events GROUP BY organisation_id, device_id, (seq - 1) / 512
ORDER BY organisation_id, device_id, min(seq);

INSERT INTO ledger_control (organisation_id, kind, body)
SELECT organisation_id, 'device-key', jsonb_build_object('device', id, 'publicKey', translate(encode(public_key, 'base64'), E'\n', ''))
FROM devices WHERE public_key IS NOT NULL ORDER BY enrolled_at;
