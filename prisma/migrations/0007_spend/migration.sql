-- Limits that an organisation's devices share, what was spent, and an organisation's own prices.
-- Money is in micro-dollars.

-- One counter in one of its periods. owner: the team whose document the limit stands in; nil for the organisation's.
-- subject: the team, provider or model that the counter is of; empty when the whole organisation shares it.
CREATE TABLE budget_counters (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  owner uuid NOT NULL,
  limit_id text NOT NULL,
  per text NOT NULL CHECK (per IN ('hour', 'day', 'month')),
  scope text NOT NULL CHECK (scope IN ('organisation', 'team', 'provider', 'model')),
  subject text NOT NULL,
  period_start timestamptz NOT NULL,
  period_end timestamptz NOT NULL,
  -- the limit when a device reported last
  amount bigint NOT NULL CHECK (amount >= 0),
  -- of all devices together: reported as spent; and what they may have spent, heard of or not
  spent numeric(30) NOT NULL DEFAULT 0 CHECK (spent >= 0),
  committed numeric(30) NOT NULL DEFAULT 0 CHECK (committed >= 0),
  -- the threshold that was warned of
  warned_at bigint NOT NULL DEFAULT 0,
  -- devices that ever asked for a share of it
  holders integer NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organisation_id, owner, limit_id, per, scope, subject, period_start)
);
CREATE INDEX budget_counters_ends ON budget_counters (period_end);

-- What one device may spend of a counter, and says it has spent. store: the file in which the device counts; a fresh
-- one knows nothing of the one before, whose grant stays committed.
CREATE TABLE budget_leases (
  organisation_id uuid NOT NULL,
  owner uuid NOT NULL,
  limit_id text NOT NULL,
  per text NOT NULL,
  scope text NOT NULL,
  subject text NOT NULL,
  period_start timestamptz NOT NULL,
  device_id uuid NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
  store text NOT NULL,
  -- of this period, all grants together
  granted bigint NOT NULL CHECK (granted >= 0),
  spent bigint NOT NULL CHECK (spent >= 0),
  held bigint NOT NULL CHECK (held >= 0),
  version bigint NOT NULL,
  until timestamptz NOT NULL,
  reported_at timestamptz NOT NULL,
  PRIMARY KEY (organisation_id, owner, limit_id, per, scope, subject, period_start, device_id, store),
  FOREIGN KEY (organisation_id, owner, limit_id, per, scope, subject, period_start) REFERENCES budget_counters
    ON DELETE CASCADE
);
CREATE INDEX budget_leases_device ON budget_leases (device_id);

-- What calls of models cost, added up with the commit of their events. team_id: of the device at that time, nil for none.
CREATE TABLE spend_daily (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  -- day of UTC on which the call ended
  day date NOT NULL,
  team_id uuid NOT NULL,
  device_id uuid NOT NULL,
  agent_id text NOT NULL,
  agent_name text NOT NULL,
  user_name text NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  calls bigint NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cached_tokens bigint NOT NULL,
  exact_micros bigint NOT NULL,
  estimated_micros bigint NOT NULL,
  -- calls whose cost nobody knows; they are in no sum
  unknown_calls bigint NOT NULL,
  PRIMARY KEY (organisation_id, day, device_id, team_id, agent_id, user_name, provider, model)
);

-- Prices that an organisation sets itself; they travel with its policy.
CREATE TABLE organisation_prices (
  organisation_id uuid PRIMARY KEY REFERENCES organisations (id),
  prices jsonb NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by text NOT NULL
);

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['budget_counters', 'budget_leases', 'spend_daily', 'organisation_prices'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO raypher_app USING (organisation_id = (SELECT raypher_organisation())) WITH CHECK (organisation_id = (SELECT raypher_organisation()))',
      tenant_table
    );
  END LOOP;
END
$$;

GRANT SELECT ON budget_counters, budget_leases, spend_daily TO raypher_app;
GRANT SELECT, INSERT, UPDATE ON organisation_prices TO raypher_app;

-- The link side counts and grants; what it forgets are periods that are long over.
CREATE POLICY ingest ON budget_counters TO raypher_ingest USING (true) WITH CHECK (true);
CREATE POLICY ingest ON budget_leases TO raypher_ingest USING (true) WITH CHECK (true);
CREATE POLICY ingest ON spend_daily TO raypher_ingest USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON budget_counters TO raypher_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON budget_leases TO raypher_ingest;
GRANT SELECT, INSERT, UPDATE ON spend_daily TO raypher_ingest;
