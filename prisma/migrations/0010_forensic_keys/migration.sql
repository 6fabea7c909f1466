-- What snapshots of a panic are sealed to. Only the public half is ever here; it travels with the policy.
CREATE TABLE forensic_keys (
  organisation_id uuid PRIMARY KEY REFERENCES organisations (id),
  key_id text NOT NULL CHECK (key_id ~ '^[0-9a-f]{16}$'),
  public_key text NOT NULL CHECK (length(public_key) = 87),
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by text NOT NULL
);
ALTER TABLE forensic_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON forensic_keys TO raypher_app
  USING (organisation_id = (SELECT raypher_organisation()))
  WITH CHECK (organisation_id = (SELECT raypher_organisation()));
GRANT SELECT, INSERT, UPDATE ON forensic_keys TO raypher_app;
