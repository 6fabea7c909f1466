-- Tiers of the record: how long its events stay in the database, what the archive holds, what may not be erased.
--
-- A day of events leaves the database through drop_event_leaf alone, which belongs to the owner and itself looks whether
-- the day may go. What an administrator shortens or lifts counts seven days later, so that somebody who got hold of the
-- application cannot shorten and drop at once.

-- Each change is a row; the newest one counts. Without a row: 30 days, 1 year.
CREATE TABLE record_retention (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  set_at timestamptz NOT NULL,
  -- full days that events stay in the database at least, after the day they arrived
  hot_days integer NOT NULL CHECK (hot_days BETWEEN 7 AND 2555),
  -- objects of the archive are locked for so long, where the destination can lock
  archive_years integer NOT NULL CHECK (archive_years BETWEEN 1 AND 7),
  set_by text NOT NULL,
  PRIMARY KEY (organisation_id, set_at)
);

CREATE TABLE legal_holds (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
  placed_at timestamptz NOT NULL,
  placed_by text NOT NULL,
  lifted_at timestamptz,
  lifted_by text,
  lift_reason text CHECK (length(lift_reason) BETWEEN 1 AND 1000),
  CHECK (num_nulls(lifted_at, lifted_by, lift_reason) IN (0, 3))
);
CREATE INDEX legal_holds_of ON legal_holds (organisation_id, placed_at DESC);

-- How far the archive of an organisation has come.
CREATE TABLE archive_cursors (
  organisation_id uuid PRIMARY KEY REFERENCES organisations (id),
  -- where: s3://host/bucket/prefix or folder:/path
  destination text NOT NULL,
  -- leaves of the log that are there, with their tiles and the checkpoint of this size
  size bigint NOT NULL DEFAULT 0,
  -- size that is being written; an interrupted run goes on with it
  target bigint,
  archived_at timestamptz,
  -- leaves that were read back and found to be what the log commits to
  checked_size bigint NOT NULL DEFAULT 0,
  checked_at timestamptz,
  -- newest check of everything, from the first entry on
  verified_at timestamptz,
  verified_size bigint NOT NULL DEFAULT 0,
  -- whether the objects there carry a legal hold
  held boolean NOT NULL DEFAULT false,
  state text NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'unreachable', 'conflict', 'corrupted')),
  problem text,
  CHECK (checked_size BETWEEN 0 AND size AND verified_size BETWEEN 0 AND size AND target > size)
);

-- Days whose events are in the archive alone.
CREATE TABLE dropped_event_days (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  day date NOT NULL,
  events bigint NOT NULL,
  -- place in the log after the last of them: before it entries may be in the archive alone
  end_index bigint NOT NULL,
  dropped_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organisation_id, day)
);

-- ---- what can never change -------------------------------------------------------------------

-- The database's clock, so that nothing can be made to look older than it is.
CREATE FUNCTION stamp_retention() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.set_at := clock_timestamp();
  RETURN NEW;
END
$$;

CREATE FUNCTION stamp_legal_hold() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.placed_at := clock_timestamp();
    NEW.lifted_at := NULL;
    NEW.lifted_by := NULL;
    NEW.lift_reason := NULL;
    RETURN NEW;
  END IF;
  IF OLD.lifted_at IS NOT NULL OR NEW.lifted_by IS NULL
     OR (NEW.id, NEW.organisation_id, NEW.reason, NEW.placed_at, NEW.placed_by)
       IS DISTINCT FROM (OLD.id, OLD.organisation_id, OLD.reason, OLD.placed_at, OLD.placed_by) THEN
    RAISE EXCEPTION 'a legal hold is lifted once and changed never' USING ERRCODE = 'insufficient_privilege';
  END IF;
  NEW.lifted_at := clock_timestamp();
  RETURN NEW;
END
$$;

-- An archive only ever grows, from one signed checkpoint to the next.
CREATE FUNCTION refuse_shorter_archive() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.organisation_id <> OLD.organisation_id OR NEW.size < OLD.size) THEN
    RAISE EXCEPTION 'an archive only ever grows' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NEW.size > 0 AND NOT EXISTS (
    SELECT FROM ledger_checkpoints c WHERE c.organisation_id = NEW.organisation_id AND c.size = NEW.size) THEN
    RAISE EXCEPTION 'an archive ends with a checkpoint' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER record_retention_stamped BEFORE INSERT ON record_retention FOR EACH ROW EXECUTE FUNCTION stamp_retention();
CREATE TRIGGER record_retention_append_only BEFORE UPDATE ON record_retention FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER legal_holds_stamped BEFORE INSERT OR UPDATE ON legal_holds FOR EACH ROW EXECUTE FUNCTION stamp_legal_hold();
CREATE TRIGGER archive_cursors_grow BEFORE INSERT OR UPDATE ON archive_cursors FOR EACH ROW EXECUTE FUNCTION refuse_shorter_archive();
CREATE TRIGGER dropped_event_days_append_only BEFORE UPDATE ON dropped_event_days FOR EACH ROW EXECUTE FUNCTION refuse_change();

DO $$
DECLARE
  tier_table text;
BEGIN
  FOREACH tier_table IN ARRAY ARRAY['record_retention', 'legal_holds', 'archive_cursors', 'dropped_event_days'] LOOP
    EXECUTE format('CREATE TRIGGER refuse_delete BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', tier_table);
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', tier_table);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tier_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO raypher_app USING (organisation_id = (SELECT raypher_organisation())) WITH CHECK (organisation_id = (SELECT raypher_organisation()))',
      tier_table
    );
  END LOOP;
END
$$;

GRANT SELECT, INSERT ON record_retention TO raypher_app;
GRANT SELECT, INSERT, UPDATE (lifted_by, lift_reason) ON legal_holds TO raypher_app;
GRANT SELECT, INSERT, UPDATE (destination, size, target, archived_at, checked_size, checked_at, verified_at,
  verified_size, held, state, problem) ON archive_cursors TO raypher_app;
GRANT SELECT ON dropped_event_days TO raypher_app;

-- ---- legal hold ------------------------------------------------------------------------------

-- Held now, or until less than seven days ago.
CREATE FUNCTION is_held(wanted uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM legal_holds h WHERE h.organisation_id = wanted
    AND (h.lifted_at IS NULL OR h.lifted_at > clock_timestamp() - interval '7 days'))
$$;

CREATE FUNCTION refuse_erasing_what_is_held() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF is_held(OLD.organisation_id) THEN
    RAISE EXCEPTION 'nothing is erased under a legal hold' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER event_private_held BEFORE DELETE ON event_private FOR EACH ROW EXECUTE FUNCTION refuse_erasing_what_is_held();
CREATE TRIGGER ledger_control_held BEFORE UPDATE ON ledger_control FOR EACH ROW
  WHEN (OLD.private IS NOT NULL AND NEW.private IS NULL) EXECUTE FUNCTION refuse_erasing_what_is_held();

-- ---- the only way out of the database --------------------------------------------------------

-- The most of what was in force within the last seven days.
CREATE FUNCTION hot_days_of(wanted uuid) RETURNS integer
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT max(days) FROM (
    SELECT r.hot_days AS days FROM record_retention r
    WHERE r.organisation_id = wanted AND r.set_at > clock_timestamp() - interval '7 days'
    UNION ALL
    SELECT coalesce((SELECT r.hot_days FROM record_retention r
      WHERE r.organisation_id = wanted AND r.set_at <= clock_timestamp() - interval '7 days'
      ORDER BY r.set_at DESC LIMIT 1), 30)) AS in_force
$$;

-- Why the events of a day cannot leave the database; null when they can.
CREATE FUNCTION why_event_leaf_stays(wanted_day date) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  -- days of events are days of UTC, whatever the session's time zone
  today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
  organisation uuid;
  archived bigint;
BEGIN
  IF wanted_day >= today - 7 THEN
    RETURN 'it is one of the last seven days';
  END IF;
  FOR organisation IN
    SELECT o.id FROM organisations o
    WHERE EXISTS (SELECT FROM events e WHERE e.received_on = wanted_day AND e.organisation_id = o.id)
    ORDER BY o.id
  LOOP
    IF is_held(organisation) THEN
      RETURN format('organisation %s has a legal hold', organisation);
    END IF;
    IF wanted_day + hot_days_of(organisation) >= today THEN
      RETURN format('organisation %s keeps events for %s days', organisation, hot_days_of(organisation));
    END IF;
  END LOOP;
  -- Only then what has to read all of that day.
  FOR organisation IN
    SELECT o.id FROM organisations o
    WHERE EXISTS (SELECT FROM events e WHERE e.received_on = wanted_day AND e.organisation_id = o.id)
    ORDER BY o.id
  LOOP
    SELECT c.checked_size INTO archived FROM archive_cursors c
      WHERE c.organisation_id = organisation AND c.state IN ('ok', 'unreachable');
    -- Every entry from the first to the last one of that day, device by device, is in a batch that was read back.
    IF archived IS NULL OR EXISTS (
      SELECT FROM (
        SELECT e.device_id, min(e.seq) AS first, max(e.seq) AS last FROM events e
        WHERE e.received_on = wanted_day AND e.organisation_id = organisation GROUP BY e.device_id) AS d
      WHERE d.last - d.first + 1 <> (
        SELECT coalesce(sum(least(d.last, b.first_seq + b.count - 1) - greatest(d.first, b.first_seq) + 1), 0)
        FROM ledger_batches b
        WHERE b.device_id = d.device_id AND b.organisation_id = organisation
          AND b.first_seq <= d.last AND b.first_seq + b.count > d.first
          AND b.first_seq >= (SELECT max(p.first_seq) FROM ledger_batches p
            WHERE p.device_id = d.device_id AND p.first_seq <= d.first)
          AND b.first_index + b.count <= archived))
    THEN
      RETURN format('organisation %s has events of that day that are not in its archive', organisation);
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;

-- Drops the events of a day, of all organisations. Refuses unless each of them allows it. Returns how many there were.
CREATE FUNCTION drop_event_leaf(wanted_day date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  leaf text := 'events_' || to_char(wanted_day, 'YYYYMMDD');
  why text;
  dropped bigint;
BEGIN
  -- Rather later than in the way of those who write.
  PERFORM set_config('lock_timeout', '5s', true);
  IF NOT EXISTS (SELECT FROM pg_inherits
    WHERE inhparent = 'public.events'::regclass AND inhrelid = to_regclass('public.' || leaf)) THEN
    RAISE EXCEPTION 'there is no leaf of events of %', wanted_day USING ERRCODE = 'undefined_table';
  END IF;
  -- What is looked at stays so until the end: no hold, no setting, no event of that day comes in between.
  LOCK TABLE legal_holds, record_retention, archive_cursors IN SHARE MODE;
  EXECUTE format('LOCK TABLE %I IN SHARE MODE', leaf);
  why := why_event_leaf_stays(wanted_day);
  IF why IS NOT NULL THEN
    RAISE EXCEPTION 'the events of % stay: %', wanted_day, why USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  INSERT INTO dropped_event_days (organisation_id, day, events, end_index)
    SELECT d.organisation_id, wanted_day, sum(d.events), max(p.end_index) FROM (
      SELECT e.organisation_id, e.device_id, count(*) AS events, max(e.seq) AS last FROM events e
      WHERE e.received_on = wanted_day GROUP BY e.organisation_id, e.device_id) AS d
    CROSS JOIN LATERAL (
      SELECT b.first_index + d.last - b.first_seq + 1 AS end_index FROM ledger_batches b
      WHERE b.device_id = d.device_id AND b.first_seq <= d.last ORDER BY b.first_seq DESC LIMIT 1) AS p
    GROUP BY d.organisation_id;
  SELECT coalesce(sum(d.events), 0) INTO dropped FROM dropped_event_days d WHERE d.day = wanted_day;
  EXECUTE format('ALTER TABLE events DETACH PARTITION %I', leaf);
  EXECUTE format('DROP TABLE %I', leaf);
  RETURN dropped;
END
$$;

-- Days that have events in the database, or room for them, oldest first.
CREATE FUNCTION event_leaf_days() RETURNS SETOF date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT to_date(substring(c.relname FROM '^events_(\d{8})$'), 'YYYYMMDD') AS day
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = 'public.events'::regclass ORDER BY day
$$;

REVOKE ALL ON FUNCTION is_held(uuid), hot_days_of(uuid), why_event_leaf_stays(date), drop_event_leaf(date),
  event_leaf_days() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_held(uuid), why_event_leaf_stays(date), drop_event_leaf(date), event_leaf_days() TO raypher_app;
