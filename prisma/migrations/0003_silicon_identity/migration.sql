-- A device is its TPM: what was proven at enrolment, what every renewal quotes, and who decided what about it.

ALTER TABLE devices
  DROP CONSTRAINT devices_status_check,
  ADD CONSTRAINT devices_status_check CHECK (status IN ('pending', 'active', 'paused', 'revoked')),
  -- one sentence: why this identity class
  ADD identity_reason text NOT NULL DEFAULT 'It enrolled with a key in a file.',
  -- SubjectPublicKeyInfo; null until the first renewal of a device that enrolled before this column
  ADD public_key bytea CHECK (length(public_key) BETWEEN 80 AND 120),
  ADD approved_by text,
  ADD approved_at timestamptz,
  ADD pause_reason text,
  ADD paused_at timestamptz,
  -- TPMT_PUBLIC of endorsement and attestation key
  ADD tpm_ek_public bytea CHECK (length(tpm_ek_public) <= 1024),
  -- SHA-256 of tpm_ek_public, which people compare
  ADD tpm_ek_fingerprint bytea CHECK (length(tpm_ek_fingerprint) = 32),
  -- SHA-256 of the endorsement key's SubjectPublicKeyInfo: the same however its public area is written
  ADD tpm_ek_key bytea CHECK (length(tpm_ek_key) = 32),
  ADD tpm_ak_public bytea CHECK (length(tpm_ak_public) <= 512),
  -- [{subject, issuer, notAfter, fingerprint}], leaf first
  ADD tpm_chain jsonb,
  ADD tpm_root_fingerprint bytea CHECK (length(tpm_root_fingerprint) = 32),
  ADD tpm_root_manufacturer text,
  ADD tpm_root_kind text CHECK (tpm_root_kind IN ('hardware', 'virtual')),
  -- {"0": hex, …}, SHA-256 bank
  ADD tpm_pcrs jsonb,
  ADD tpm_quoted_at timestamptz,
  ADD tpm_reset_count bigint,
  ADD tpm_restart_count bigint,
  ADD tpm_firmware text,
  -- uncompressed P-256 point, and the device key's signature over it: checked when a secret is pushed
  ADD vault_public_key bytea CHECK (length(vault_public_key) = 65),
  ADD vault_key_signature bytea CHECK (length(vault_key_signature) BETWEEN 8 AND 80),
  ADD CONSTRAINT devices_tpm_whole CHECK (
    num_nulls(tpm_ek_public, tpm_ek_fingerprint, tpm_ek_key, tpm_ak_public, tpm_chain, tpm_pcrs, tpm_quoted_at,
      tpm_reset_count, tpm_restart_count, tpm_firmware) IN (0, 10)),
  ADD CONSTRAINT devices_vault_key_signed CHECK ((vault_public_key IS NULL) = (vault_key_signature IS NULL));

-- One key is one device until that device is revoked, whatever else it is.
DROP INDEX devices_key;
CREATE UNIQUE INDEX devices_key ON devices (organisation_id, key_fingerprint) WHERE status <> 'revoked';
CREATE INDEX devices_endorsement_key ON devices (organisation_id, tpm_ek_key) WHERE tpm_ek_key IS NOT NULL;

-- Open challenges. A row is deleted when it is answered, so that it works once; a job removes those that nobody answered.
CREATE TABLE enrolment_challenges (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  -- exactly one of the two: for whom it was made
  token_id uuid REFERENCES enrolment_tokens (id),
  device_id uuid,
  nonce bytea NOT NULL CHECK (length(nonce) = 32),
  pcrs integer[] NOT NULL,
  -- SHA-256 of the credential's secret, which is in nobody's hands but the TPM's
  secret_hash bytea CHECK (length(secret_hash) = 32),
  -- what the device showed before it was challenged, with its SHA-256
  evidence jsonb,
  evidence_digest bytea CHECK (length(evidence_digest) = 32),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  CHECK (num_nulls(token_id, device_id) = 1),
  CHECK ((token_id IS NULL) = (secret_hash IS NULL) AND (token_id IS NULL) = (evidence IS NULL)
    AND (token_id IS NULL) = (evidence_digest IS NULL)),
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);
CREATE INDEX enrolment_challenges_token ON enrolment_challenges (token_id, expires_at) WHERE token_id IS NOT NULL;
CREATE INDEX enrolment_challenges_device ON enrolment_challenges (device_id, expires_at) WHERE device_id IS NOT NULL;
CREATE INDEX enrolment_challenges_expiry ON enrolment_challenges (organisation_id, expires_at);

-- The boots of each machine, one after another. One that comes back after another replaced it is a second machine.
CREATE TABLE device_boots (
  organisation_id uuid NOT NULL,
  device_id uuid NOT NULL,
  boot_id text NOT NULL CHECK (length(boot_id) BETWEEN 1 AND 64),
  first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  replaced_at timestamptz,
  PRIMARY KEY (device_id, boot_id),
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);

CREATE TABLE device_identity_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id uuid NOT NULL,
  device_id uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind text NOT NULL CHECK (kind IN ('enrolled', 'approved', 'paused', 'resumed', 'revoked', 'left', 'pcrs-changed', 'rebooted',
    'cloned', 'vault-key-changed')),
  detail text NOT NULL CHECK (length(detail) <= 2000),
  -- a person, a token, or empty for the control plane itself
  by text NOT NULL DEFAULT '',
  FOREIGN KEY (organisation_id, device_id) REFERENCES devices (organisation_id, id)
);
CREATE INDEX device_identity_events_device ON device_identity_events (device_id, id DESC);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON device_identity_events
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON device_identity_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What changed a device's standing (approved, paused, resumed, revoked, left) is one thing to say to the link: look again.
ALTER TABLE outbox DROP CONSTRAINT outbox_topic_check;
UPDATE outbox SET topic = 'standing', message = message || '{"topic": "standing"}' WHERE topic = 'revoke';
ALTER TABLE outbox ADD CONSTRAINT outbox_topic_check CHECK (topic IN ('policy', 'freeze', 'command', 'standing'));

-- ---- who sees what ---------------------------------------------------------------------------

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['enrolment_challenges', 'device_boots', 'device_identity_events'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO raypher_app USING (organisation_id = (SELECT raypher_organisation())) WITH CHECK (organisation_id = (SELECT raypher_organisation()))',
      tenant_table
    );
  END LOOP;
END
$$;

-- A challenge is never changed, only made and taken.
GRANT SELECT, INSERT, DELETE ON enrolment_challenges TO raypher_app;
GRANT SELECT, INSERT, DELETE ON device_boots TO raypher_app;
GRANT UPDATE (replaced_at) ON device_boots TO raypher_app;
GRANT SELECT, INSERT ON device_identity_events TO raypher_app;

CREATE POLICY ingest ON device_boots TO raypher_ingest USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON device_boots TO raypher_ingest;
GRANT UPDATE (replaced_at) ON device_boots TO raypher_ingest;

-- Says what a boot id is to a device: 'same', 'next' (the machine was booted anew), or 'returned'. Runs with the rights of
-- whoever asks: the REST side stays within its organisation.
CREATE FUNCTION note_boot(wanted_organisation uuid, wanted_device uuid, wanted_boot text) RETURNS text
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
  UPDATE device_boots SET replaced_at = clock_timestamp() WHERE device_id = wanted_device AND replaced_at IS NULL;
  INSERT INTO device_boots (organisation_id, device_id, boot_id) VALUES (wanted_organisation, wanted_device, wanted_boot);
  -- A device names its boots itself: it may not fill the table.
  DELETE FROM device_boots WHERE device_id = wanted_device AND boot_id IN (
    SELECT boot_id FROM device_boots WHERE device_id = wanted_device ORDER BY first_seen_at DESC OFFSET 256);
  RETURN 'next';
END
$$;

-- What the link may do to a device's standing: stop it. It can neither resume nor approve one.
CREATE FUNCTION pause_cloned_device(wanted_device uuid, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  organisation uuid;
BEGIN
  UPDATE devices SET status = 'paused', pause_reason = left(why, 1000), paused_at = now()
    WHERE id = wanted_device AND status = 'active' RETURNING organisation_id INTO organisation;
  IF organisation IS NULL THEN RETURN false; END IF;
  INSERT INTO device_identity_events (organisation_id, device_id, kind, detail)
    VALUES (organisation, wanted_device, 'cloned', left(why, 1000)), (organisation, wanted_device, 'paused', left(why, 1000));
  INSERT INTO outbox (organisation_id, topic, message) VALUES (organisation, 'standing',
    jsonb_build_object('topic', 'standing', 'organisation', organisation, 'device', wanted_device));
  RETURN true;
END
$$;

-- The key that secrets are encrypted to, as the device announced it. At most twenty changes a day are taken: each leaves a
-- line in a history that is kept for good.
CREATE FUNCTION announce_vault_key(wanted_device uuid, key bytea, signature bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  changed devices%ROWTYPE;
BEGIN
  IF (SELECT count(*) FROM device_identity_events
      WHERE device_id = wanted_device AND kind = 'vault-key-changed' AND at > now() - interval '1 day') >= 20 THEN
    RETURN false;
  END IF;
  UPDATE devices SET vault_public_key = key, vault_key_signature = signature
    WHERE id = wanted_device AND status = 'active' AND vault_public_key IS DISTINCT FROM key
    RETURNING * INTO changed;
  IF changed.id IS NULL THEN RETURN false; END IF;
  INSERT INTO device_identity_events (organisation_id, device_id, kind, detail) VALUES (changed.organisation_id, wanted_device,
    'vault-key-changed', 'Secrets for it are now encrypted to the key ' || left(encode(sha256(key), 'hex'), 16) || '.');
  RETURN true;
END
$$;

REVOKE ALL ON FUNCTION note_boot(uuid, uuid, text), pause_cloned_device(uuid, text), announce_vault_key(uuid, bytea, bytea)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_boot(uuid, uuid, text) TO raypher_app, raypher_ingest;
GRANT EXECUTE ON FUNCTION pause_cloned_device(uuid, text), announce_vault_key(uuid, bytea, bytea) TO raypher_ingest;
