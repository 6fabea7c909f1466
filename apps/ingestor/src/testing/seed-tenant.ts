import { randomBytes, randomUUID } from 'node:crypto';

/** A connection of a superuser, as `pg` gives it. */
export interface Admin {
  query(text: string, values: unknown[]): Promise<unknown>;
}

export interface SeededTenant {
  organisation: string;
  team: string;
  device: string;
}

/** Writes one row into every table of an organisation, as a superuser: something to reach for. */
export async function seedTenant(admin: Admin, name: string): Promise<SeededTenant> {
  const [organisation, team, device, rollout] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const hash = () => randomBytes(32);
  const insert = (text: string, values: unknown[]) => admin.query(text, values);
  await insert('INSERT INTO organisations (id, name) VALUES ($1, $2)', [organisation, name]);
  await insert('INSERT INTO teams (id, organisation_id, name) VALUES ($1, $2, $3)', [
    team,
    organisation,
    'Team',
  ]);
  await insert(
    `INSERT INTO members (organisation_id, user_id, name, email, role, team_id) VALUES ($1, $2, 'M', 'm@example.test', 'ciso', $3)`,
    [organisation, randomUUID(), team],
  );
  await insert(
    `INSERT INTO api_tokens (organisation_id, name, secret_hash, scopes, created_by, expires_at, revoked_at, last_used_at)
      VALUES ($1, 'T', $2, '{overview:read}', 'M', now(), now(), now())`,
    [organisation, hash()],
  );
  await insert(
    `INSERT INTO organisation_keys (organisation_id, purpose, key_id, public_key, encrypted_private_key)
      VALUES ($1, 'policy-signing', 'k', $2, $2)`,
    [organisation, hash()],
  );
  await insert(
    `INSERT INTO enrolment_tokens (organisation_id, team_id, name, secret_hash, max_uses, expires_at, created_by)
      VALUES ($1, $2, 'E', $3, 1, now(), 'M')`,
    [organisation, team, hash()],
  );
  await insert(
    `INSERT INTO devices (id, organisation_id, team_id, hostname, os, kernel, arch, agent_version, identity_class,
        key_fingerprint, machine_id)
      VALUES ($1, $2, $3, $4, 'linux', '6.1', 'x64', '0.1.0', 'software', $5, 'machine')`,
    [device, organisation, team, `${name.toLowerCase()}-1`, hash()],
  );
  await insert(
    `INSERT INTO enrolment_challenges (organisation_id, device_id, nonce, pcrs, expires_at) VALUES ($1, $2, $3, '{0,7}', now())`,
    [organisation, device, hash()],
  );
  await insert(`INSERT INTO device_boots (organisation_id, device_id, boot_id) VALUES ($1, $2, 'boot')`, [
    organisation,
    device,
  ]);
  await insert(
    `INSERT INTO device_identity_events (organisation_id, device_id, kind, detail) VALUES ($1, $2, 'enrolled', 'It enrolled.')`,
    [organisation, device],
  );
  await insert(
    `INSERT INTO organisation_settings (organisation_id, admit_hardware, admit_virtual, admit_unverified, admit_software,
      updated_at, updated_by) VALUES ($1, 'admit', 'admit', 'approve', 'refuse', now(), 'M')`,
    [organisation],
  );
  await insert('INSERT INTO tpm_roots (organisation_id, fingerprint, decided_by) VALUES ($1, $2, $3)', [
    organisation,
    hash(),
    'M',
  ]);
  await insert(
    `INSERT INTO device_certificates (fingerprint, organisation_id, device_id, serial, not_before, not_after)
      VALUES ($1, $2, $3, '01', now(), now())`,
    [hash(), organisation, device],
  );
  await insert(
    `INSERT INTO ai_agents (organisation_id, device_id, id, name, user_name, exe_path, exe_sha256, entry_script, libraries,
        models, signatures, risk, confidence, evidence, processes, state, first_seen_at, last_seen_at)
      VALUES ($1, $2, $3, 'agent', 'u', '/usr/bin/python3', $3, 'agent.py', '{langchain}', '{gpt-4o}', '{}', 'high', 'full',
        '{}', '[]', 'running', now(), now())`,
    [organisation, device, hash().toString('hex')],
  );
  await insert(
    `INSERT INTO policy_revisions (organisation_id, revision, documents, reason, created_by) VALUES ($1, 1, '[]', 'R', 'M')`,
    [organisation],
  );
  await insert(
    `INSERT INTO freezes (organisation_id, selector, reason, created_by) VALUES ($1, '{"kind":"all"}', 'R', 'M')`,
    [organisation],
  );
  await insert(
    `INSERT INTO state_bundles (organisation_id, kind, revision, payload, digest, signature, key_id)
      VALUES ($1, 'policy', 1, '{}', $2, $3, 'k')`,
    [organisation, hash(), randomBytes(64)],
  );
  await insert(
    `INSERT INTO rollouts (id, organisation_id, kind, revision, title, reason, created_by) VALUES ($1, $2, 'policy', 1, 'T', 'R', 'M')`,
    [rollout, organisation],
  );
  await insert(
    `INSERT INTO rollout_devices (organisation_id, rollout_id, device_id, phase, updated_at) VALUES ($1, $2, $3, 'applied', now())`,
    [organisation, rollout, device],
  );
  await insert(
    `INSERT INTO commands (id, organisation_id, device_id, verb, payload, signature, key_id, reason, created_by, expires_at)
      VALUES ($1, $2, $3, 'scan', '{}', '\\x00', 'k', 'R', 'M', now())`,
    [randomUUID(), organisation, device],
  );
  await insert(`INSERT INTO outbox (organisation_id, topic, message) VALUES ($1, 'policy', '{}')`, [
    organisation,
  ]);
  await insert('INSERT INTO device_chains (device_id, organisation_id, last_hash) VALUES ($1, $2, $3)', [
    device,
    organisation,
    hash(),
  ]);
  await seedEvent(admin, { organisation, device }, { seq: 1 });
  await seedIncident(admin, { organisation, device });
  await seedLedger(admin, { organisation, device });
  await seedTiers(admin, organisation);
  await insert(
    `INSERT INTO private_retention (organisation_id, days, updated_at, updated_by) VALUES ($1, 30, now(), 'M')`,
    [organisation],
  );
  await insert(
    `INSERT INTO budget_counters (organisation_id, owner, limit_id, per, scope, subject, period_start, period_end, amount)
      VALUES ($1, $2, 'l', 'day', 'team', '', '2026-01-01', '2026-01-02', 1)`,
    [organisation, team],
  );
  await insert(
    `INSERT INTO budget_leases (organisation_id, owner, limit_id, per, scope, subject, period_start, device_id, store,
        granted, spent, held, version, until, reported_at)
      VALUES ($1, $2, 'l', 'day', 'team', '', '2026-01-01', $3, 's', 1, 1, 0, 1, '2026-01-02', now())`,
    [organisation, team, device],
  );
  await insert(
    `INSERT INTO spend_daily VALUES ($1, '2026-01-01', $2, $3, 'a', 'agent', 'u', 'openai', 'gpt-5', 1, 1, 1, 0, 1, 0, 0)`,
    [organisation, team, device],
  );
  await insert(
    `INSERT INTO organisation_prices (organisation_id, prices, updated_by) VALUES ($1, '{}', 'M')`,
    [organisation],
  );
  await insert(
    `INSERT INTO forensic_keys (organisation_id, key_id, public_key, updated_by)
      VALUES ($1, repeat('a', 16), repeat('A', 87), 'M')`,
    [organisation],
  );
  await insert(
    `INSERT INTO alerts (organisation_id, kind, subject, severity, title, device_id) VALUES ($1, 'device.silent', 's', 'warning', 'A', $2)`,
    [organisation, device],
  );
  await insert(
    `INSERT INTO approvals (id, organisation_id, device_id, seq, asked_at, expires_at, actor, action, target, layer,
        rule, reason, revision, on_timeout, approvers_needed)
      VALUES ($1, $2, $3, 1, now(), now() + interval '1 hour', '{"kind":"ai-agent","id":"a1","name":"agent.py","pid":1,"user":"u"}',
        'call', 'api.openai.com', 'global', 'ask', 'R', 1, 'DENY', 1)`,
    [randomUUID(), organisation, device],
  );
  await insert(
    `INSERT INTO approval_webhooks (organisation_id, format, host, key_id, sealed, updated_at, updated_by)
      VALUES ($1, 'generic', 'chat.example', 'k', $2, now(), 'M')`,
    [organisation, hash()],
  );
  const destination = randomUUID();
  await insert(
    `INSERT INTO export_destinations (id, organisation_id, kind, name, address, key_id, sealed, enabled, updated_by)
      VALUES ($1, $2, 'webhook', 'SIEM', 'https://siem.example/', 'k', $3, false, 'M')`,
    [destination, organisation, hash()],
  );
  await insert(
    'INSERT INTO export_cursors (organisation_id, destination_id, next_index) VALUES ($1, $2, 0)',
    [organisation, destination],
  );
  await insert(
    `INSERT INTO audit_entries (organisation_id, actor_kind, actor_id, actor_name, action, target) VALUES ($1, 'user', 'u', 'U', 'a', 't')`,
    [organisation],
  );
  return { organisation, team, device };
}

/** A log with an entry of the device and one of the control plane, seen by a witness. Nothing waits in it. */
async function seedLedger(
  admin: Admin,
  { organisation, device }: Pick<SeededTenant, 'organisation' | 'device'>,
): Promise<void> {
  const hash = randomBytes(32);
  await admin.query(
    'INSERT INTO ledger_logs (organisation_id, origin, size, frontier, control_id) VALUES ($1, $2, 2, $3, 1)',
    [organisation, `log.example/${organisation}`, hash],
  );
  await admin.query(
    `INSERT INTO ledger_batches (organisation_id, device_id, first_seq, count, signed_first_seq, signed_count, head, first_index)
      VALUES ($1, $2, 1, 1, 1, 1, $3, 0)`,
    [organisation, device, hash],
  );
  await admin.query(
    `INSERT INTO ledger_control (organisation_id, kind, body, id, entry, hash, leaf_index)
      VALUES ($1, 'audit', '{}', 1, '{}', $2, 1)`,
    [organisation, hash],
  );
  await admin.query(
    'INSERT INTO ledger_tiles (organisation_id, level, tile_index, hashes) VALUES ($1, 0, 0, $2)',
    [organisation, Buffer.concat([hash, hash])],
  );
  await admin.query(
    `INSERT INTO ledger_checkpoints (organisation_id, size, root, note) VALUES ($1, 2, $2, 'note')`,
    [organisation, hash],
  );
  await admin.query(
    `INSERT INTO ledger_anchors (organisation_id, size, kind, name, content) VALUES ($1, 2, 'witness', 'w', $2)`,
    [organisation, hash],
  );
}

/** An archive of the whole log, a legal hold that was lifted long ago, and a day that left the database. */
async function seedTiers(admin: Admin, organisation: string): Promise<void> {
  await admin.query(
    `INSERT INTO record_retention (organisation_id, hot_days, archive_years, set_by) VALUES ($1, 30, 1, 'M')`,
    [organisation],
  );
  // Its times are the database's own, unless triggers are off.
  await admin.query(
    `WITH off AS (SELECT set_config('session_replication_role', 'replica', false))
      INSERT INTO legal_holds (organisation_id, reason, placed_at, placed_by, lifted_at, lifted_by, lift_reason)
      SELECT $1::uuid, 'R', '2026-01-01', 'M', '2026-01-02', 'M', 'R' FROM off`,
    [organisation],
  );
  await admin.query('RESET session_replication_role', []);
  await admin.query(
    `INSERT INTO archive_cursors (organisation_id, destination, size) VALUES ($1, 'folder:/archive', 2)`,
    [organisation],
  );
  await admin.query(
    `INSERT INTO dropped_event_days (organisation_id, day, events, end_index) VALUES ($1, '2026-01-01', 1, 1)`,
    [organisation],
  );
}

/** An incident about the first event, with a note and a masked sample. */
async function seedIncident(
  admin: Admin,
  { organisation, device }: Pick<SeededTenant, 'organisation' | 'device'>,
): Promise<void> {
  const id = randomUUID();
  await admin.query(
    `INSERT INTO incidents (id, organisation_id, device_id, fingerprint, actor_kind, agent_id, agent_name, user_name, direction,
        host, provider, model, classes, detectors, places, outcome, would_block, severity, findings, occurrences, first_at,
        last_at, last_seq)
      VALUES ($1, $2, $3, $4, 'ai-agent', 'a1', 'agent.py', 'u', 'out', 'api.openai.com', 'openai', 'gpt-4o', '{credential}',
        '{openai-api-key}', '{message}', 'block', false, 'critical', 1, 1, now(), now(), 1)`,
    [id, organisation, device, randomBytes(32)],
  );
  await admin.query(
    `INSERT INTO incident_events (organisation_id, incident_id, device_id, seq, occurred_at, received_at, had_private)
      VALUES ($1, $2, $3, 1, now(), now(), true)`,
    [organisation, id, device],
  );
  await admin.query(
    `INSERT INTO event_private (organisation_id, device_id, seq, content, stored_at, expires_at)
      VALUES ($1, $2, 1, '{}', now(), now() + interval '1 day')`,
    [organisation, device],
  );
  await admin.query(
    `INSERT INTO incident_changes (organisation_id, incident_id, by_name, status, note) VALUES ($1, $2, 'M', 'open', 'n')`,
    [organisation, id],
  );
}

export interface SeededEvent {
  seq: number;
  type?: string;
  outcome?: string | null;
  mode?: string | null;
  target?: string;
  /** The bytes of the entry; an empty object unless given. */
  entry?: string;
  receivedAt?: Date;
}

/** One event, as the link would have written it. */
export async function seedEvent(
  admin: Admin,
  { organisation, device }: Pick<SeededTenant, 'organisation' | 'device'>,
  event: SeededEvent,
): Promise<void> {
  const at = event.receivedAt ?? new Date();
  await admin.query(
    `INSERT INTO events (organisation_id, device_id, seq, received_on, received_at, occurred_at, type, severity, actor_kind,
        actor_id, actor_name, action, target, outcome, mode, rule, policy_revision, hash, entry)
      VALUES ($1, $2, $3, $4, $5, $5, $6, 'info', 'ai-agent', 'a1', 'agent.py', 'call', $7, $8, $9, 'r1', 1, $10, $11)`,
    [
      organisation,
      device,
      event.seq,
      at.toISOString().slice(0, 10),
      at,
      event.type ?? 'network.request',
      event.target ?? 'api.openai.com/v1/chat/completions',
      event.outcome === undefined ? 'ALLOW' : event.outcome,
      event.mode === undefined ? 'enforce' : event.mode,
      randomBytes(32),
      event.entry ?? '{}',
    ],
  );
}
