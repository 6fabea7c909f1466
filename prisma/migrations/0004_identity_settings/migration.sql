-- What an organisation does with devices of each identity class, and whose TPMs it believes.

-- No row: every class is admitted.
CREATE TABLE organisation_settings (
  organisation_id uuid PRIMARY KEY REFERENCES organisations (id),
  admit_hardware text NOT NULL CHECK (admit_hardware IN ('admit', 'approve', 'refuse')),
  admit_virtual text NOT NULL CHECK (admit_virtual IN ('admit', 'approve', 'refuse')),
  admit_unverified text NOT NULL CHECK (admit_unverified IN ('admit', 'approve', 'refuse')),
  admit_software text NOT NULL CHECK (admit_software IN ('admit', 'approve', 'refuse')),
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL
);

-- How an organisation differs from the built-in roots: its own ones, and built-in ones that it does not believe. Going back
-- is deleting the row.
CREATE TABLE tpm_roots (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  -- SHA-256 of the certificate (DER)
  fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
  -- DER; null: a built-in root that is distrusted
  certificate bytea CHECK (length(certificate) <= 8192 AND sha256(certificate) = fingerprint),
  manufacturer text CHECK (length(manufacturer) BETWEEN 1 AND 100),
  kind text CHECK (kind IN ('hardware', 'virtual')),
  decided_at timestamptz NOT NULL DEFAULT now(),
  decided_by text NOT NULL,
  PRIMARY KEY (organisation_id, fingerprint),
  CHECK (num_nulls(certificate, manufacturer, kind) IN (0, 3))
);

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['organisation_settings', 'tpm_roots'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO raypher_app USING (organisation_id = (SELECT raypher_organisation())) WITH CHECK (organisation_id = (SELECT raypher_organisation()))',
      tenant_table
    );
  END LOOP;
END
$$;

-- The link has no business here: it neither admits devices nor judges certificates.
GRANT SELECT, INSERT ON organisation_settings TO raypher_app;
GRANT UPDATE (admit_hardware, admit_virtual, admit_unverified, admit_software, updated_at, updated_by)
  ON organisation_settings TO raypher_app;
GRANT SELECT, INSERT, DELETE ON tpm_roots TO raypher_app;
