import { randomUUID } from 'node:crypto';
import { createForensicKey, type ForensicKeyFile } from '@raypher/vault';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';

let api: TestApi;
let acme: TestOrganisation;
let rival: TestOrganisation;
let admin: pg.Client;
let device: string;
let key: ForensicKeyFile;
const AGENT = 'c'.repeat(64);

beforeAll(async () => {
  api = await TestApi.start();
  [acme, rival] = [await api.found('Acme'), await api.found('Rival')];
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
  device = randomUUID();
  await admin.query(
    `INSERT INTO devices (id, organisation_id, hostname, os, kernel, arch, agent_version, identity_class,
        key_fingerprint, machine_id)
      VALUES ($1, $2, 'laptop-7', 'linux', '6.1', 'x64', '0.1.0', 'software', sha256($3::bytea), 'm')`,
    [device, acme.id, Buffer.from(device)],
  );
  for (const [id, name] of [
    [AGENT, 'crawler'],
    ['d'.repeat(64), 'helper'],
  ]) {
    await admin.query(
      `INSERT INTO ai_agents (organisation_id, device_id, id, name, user_name, exe_path, exe_sha256, entry_script,
          libraries, models, signatures, risk, confidence, evidence, processes, state, first_seen_at, last_seen_at)
        VALUES ($1, $2, $3, $4, 'u', '/usr/bin/node', repeat('b', 64), 'x.js', '{}', '{}', '{}', 'high', 'full', '{}',
          '[]', 'running', now(), now())`,
      [acme.id, device, id, name],
    );
  }
  key = await createForensicKey('organisation');
});
afterAll(async () => {
  await admin.end();
  await api.stop();
});

const panic = (body: object, organisation = acme) =>
  organisation.administrator.post(`/v1/devices/${device}/panic`, { reason: 'incident 42', ...body });

async function payloadOf(command: string) {
  const { rows } = await admin.query('SELECT payload FROM commands WHERE id = $1', [command]);
  return JSON.parse(Buffer.from(rows[0].payload).toString('utf8'));
}

describe('a panic from the console', () => {
  it('is a signed command that says who wants it, and an entry of the audit', async () => {
    const sent = await panic({ target: 'agent', agent: AGENT, memory: true });
    expect(sent).toMatchObject({ status: 201, body: { verb: 'panic', finishedAt: null, panic: null } });
    expect(await payloadOf(sent.body.id)).toMatchObject({
      device,
      verb: 'panic',
      reason: 'incident 42',
      arguments: { target: 'agent', agent: AGENT, hold: false, memory: true, by: sent.body.createdBy },
    });
    const { body } = await acme.administrator.get('/v1/audit');
    expect(body.items[0]).toMatchObject({
      action: 'command.panic',
      target: 'laptop-7',
      reason: 'incident 42',
    });
  });

  it('for all AI agents wants the name of the device repeated', async () => {
    expect((await panic({ target: 'all' })).status).toBe(400);
    expect((await panic({ target: 'all', confirm: 'Acme' })).status).toBe(400);
    const sent = await panic({ target: 'all', hold: true, confirm: 'laptop-7' });
    expect(sent.status).toBe(201);
    expect((await payloadOf(sent.body.id)).arguments).toMatchObject({ target: 'all', hold: true });
  });

  it.each([
    ['no reason', { target: 'agent', agent: AGENT, reason: '' }],
    ['an AI agent that is not named', { target: 'agent' }],
    ['an AI agent among all', { target: 'all', agent: AGENT, confirm: 'laptop-7' }],
    ['a process', { target: 'process', pid: 1 }],
  ])('is refused with %s', async (_, body) => {
    expect((await panic(body)).status).toBe(400);
  });

  it('reaches no device of another organisation', async () => {
    expect((await panic({ target: 'agent', agent: AGENT }, rival)).status).toBe(404);
  });

  it('is answered with what the device did, and nothing that it made up', async () => {
    const { body } = await panic({ target: 'agent', agent: AGENT });
    const result = {
      label: 'crawler',
      hold: false,
      processes: 3,
      severed: 1,
      notSevered: [],
      survivors: 0,
      snapshot: { sha256: 'e'.repeat(64), bytes: 4096, keyId: key.keyId, recipient: 'organisation' },
      snapshotFault: null,
      suspendedMs: 12,
      durationMs: 90,
    };
    const finish = (value: object) =>
      admin.query('UPDATE commands SET finished_at = now(), ok = true, result = $1 WHERE id = $2', [
        value,
        body.id,
      ]);
    const shown = async () => {
      const list = await acme.administrator.get(`/v1/devices/${device}/commands`);
      return list.body.items.find(({ id }: { id: string }) => id === body.id).panic;
    };
    await finish({ ...result, extra: 'x' });
    expect(await shown()).toEqual(result);
    await finish({ processes: 'many' });
    expect(await shown()).toBeNull();
  });

  it('shows its blast radius first', async () => {
    const preview = async (query: object) =>
      (await acme.administrator.post('/v1/blast-radius', { action: 'panic', device, ...query })).body;
    expect(await preview({})).toMatchObject({ devices: 1, aiAgents: 2 });
    expect(await preview({ agent: AGENT })).toMatchObject({
      devices: 1,
      aiAgents: 1,
      sample: [{ hostname: 'laptop-7', agent: 'crawler' }],
    });
  });
});

describe('the forensic key', () => {
  const put = (body: object) => acme.administrator.request('PUT', '/v1/settings/forensics', body);
  const reason = 'First key';

  it('reaches every device with the policy, as its public half alone', async () => {
    const before = await acme.administrator.get('/v1/settings/forensics');
    expect(before.body).toEqual({ key: null, updatedAt: null, updatedBy: null });
    const { keyId, publicKey } = key;
    const saved = await put({ key: { keyId, publicKey }, reason, confirm: 'Acme' });
    expect(saved).toMatchObject({ status: 200, body: { key: { keyId, publicKey } } });
    const { rows } = await admin.query(
      `SELECT payload FROM state_bundles WHERE organisation_id = $1 AND kind = 'policy' ORDER BY revision DESC LIMIT 1`,
      [acme.id],
    );
    expect(JSON.parse(Buffer.from(rows[0].payload).toString('utf8'))).toMatchObject({
      forensics: { keyId, publicKey },
    });
    const audit = await acme.administrator.get('/v1/audit');
    const actions = audit.body.items.map(({ action }: { action: string }) => action);
    expect(actions.slice(0, 2).sort()).toEqual(['policy.reissue', 'settings.forensics']);
  });

  it('is a key, of whoever confirmed it', async () => {
    const { keyId, publicKey } = key;
    for (const body of [
      { key: { keyId, publicKey }, reason, confirm: 'acme' },
      { key: { keyId: '0'.repeat(16), publicKey }, reason, confirm: 'Acme' },
      { key: { keyId, publicKey: 'B'.repeat(87) }, reason, confirm: 'Acme' },
      { key, reason, confirm: 'Acme' },
    ]) {
      expect((await put(body)).status).toBe(400);
    }
  });
});
