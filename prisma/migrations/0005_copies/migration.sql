-- What a copy of a device could use to stay unseen, and what kept an honest device from coming back.

-- An administrator has looked at the device: what its TPM counted before says nothing any more. TPM2_Clear, which firmware
-- menus offer, sets both counters to zero (TPM 2.0 Part 3 §24.6); the next quote is believed and compared with from then on.
ALTER TABLE devices ADD tpm_counts_forgotten boolean NOT NULL DEFAULT false;

-- As before, and one more answer: 'too-many'. Whoever names very many boots would push out the ones that they replaced, and
-- with them the memory that shows two machines. No machine is started 256 times within a day.
CREATE OR REPLACE FUNCTION note_boot(wanted_organisation uuid, wanted_device uuid, wanted_boot text) RETURNS text
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  known device_boots%ROWTYPE;
BEGIN
  -- Two connections at once would each take the other for the older one.
  PERFORM pg_advisory_xact_lock(hashtextextended('boots:' || wanted_device::text, 0));
  SELECT * INTO known FROM device_boots WHERE device_id = wanted_device AND boot_id = wanted_boot;
  IF FOUND THEN
    RETURN CASE WHEN known.replaced_at IS NULL THEN 'same' ELSE 'returned' END;
  END IF;
  IF (SELECT count(*) FROM device_boots
      WHERE device_id = wanted_device AND first_seen_at > clock_timestamp() - interval '1 day') >= 256 THEN
    RETURN 'too-many';
  END IF;
  UPDATE device_boots SET replaced_at = clock_timestamp() WHERE device_id = wanted_device AND replaced_at IS NULL;
  INSERT INTO device_boots (organisation_id, device_id, boot_id) VALUES (wanted_organisation, wanted_device, wanted_boot);
  -- A device names its boots itself: it may not fill the table.
  DELETE FROM device_boots WHERE device_id = wanted_device AND boot_id IN (
    SELECT boot_id FROM device_boots WHERE device_id = wanted_device ORDER BY first_seen_at DESC OFFSET 256);
  RETURN 'next';
END
$$;

-- As before, and written to the administrators' audit too: it is a decision about a device like any other.
CREATE OR REPLACE FUNCTION pause_cloned_device(wanted_device uuid, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  paused devices%ROWTYPE;
BEGIN
  UPDATE devices SET status = 'paused', pause_reason = left(why, 1000), paused_at = now()
    WHERE id = wanted_device AND status = 'active' RETURNING * INTO paused;
  IF paused.id IS NULL THEN RETURN false; END IF;
  INSERT INTO device_identity_events (organisation_id, device_id, kind, detail) VALUES
    (paused.organisation_id, wanted_device, 'cloned', left(why, 1000)),
    (paused.organisation_id, wanted_device, 'paused', left(why, 1000));
  INSERT INTO audit_entries (organisation_id, actor_kind, actor_id, actor_name, action, target, reason, before, after)
    VALUES (paused.organisation_id, 'system', 'link', 'link', 'device.pause', paused.hostname, left(why, 1000),
      jsonb_build_object('id', wanted_device, 'status', 'active'), jsonb_build_object('id', wanted_device, 'status', 'paused'));
  INSERT INTO outbox (organisation_id, topic, message) VALUES (paused.organisation_id, 'standing',
    jsonb_build_object('topic', 'standing', 'organisation', paused.organisation_id, 'device', wanted_device));
  RETURN true;
END
$$;
