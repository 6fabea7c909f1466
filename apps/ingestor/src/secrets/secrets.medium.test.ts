import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { canonicalBytes } from '@raypher/ledger';
import { deriveVaultKey, openSecret, sealSecret, type VaultKey } from '@raypher/vault';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedTenant } from '../testing/seed-tenant.ts';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';

let api: TestApi;
let acme: TestOrganisation;
let rival: TestOrganisation;
let admin: pg.Client;
let device: string;
let vault: VaultKey;
let deviceKey: KeyObject;

const binding = { name: 'openai', provider: 'openai' };
const reason = 'The team needs it.';
const VALUE = randomBytes(24).toString('hex');

beforeAll(async () => {
  api = await TestApi.start();
  [acme, rival] = [await api.found('Acme'), await api.found('Rival')];
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  deviceKey = keys.privateKey;
  vault = await deriveVaultKey(randomBytes(32));
  const seeded = await seedTenant(admin, 'Somebody');
  const { rows } = await admin.query(
    `INSERT INTO devices (organisation_id, hostname, os, kernel, arch, agent_version, identity_class, key_fingerprint, machine_id,
      public_key) SELECT $1, 'laptop', os, kernel, arch, agent_version, identity_class, $2, machine_id, $3
      FROM devices WHERE id = $4 RETURNING id`,
    [acme.id, randomBytes(32), keys.publicKey.export({ format: 'der', type: 'spki' }), seeded.device],
  );
  device = rows[0].id;
});
afterAll(async () => {
  await admin.end();
  await api.stop();
});

/** As the link stores it. */
async function announce(key: VaultKey, signedBy: KeyObject = deviceKey): Promise<void> {
  const publicKey = Buffer.from(key.publicKey).toString('base64url');
  const statement = canonicalBytes({ device, kind: 'vault-key', organisation: acme.id, publicKey });
  await admin.query('UPDATE devices SET vault_public_key = $1, vault_key_signature = $2 WHERE id = $3', [
    Buffer.from(key.publicKey),
    sign('sha256', statement, { key: signedBy, dsaEncoding: 'der' }),
    device,
  ]);
}

async function push(key: VaultKey = vault, change: Record<string, unknown> = {}) {
  const sealed = JSON.stringify(await sealSecret(key.publicKey, binding, Buffer.from(VALUE)));
  const body = { ...binding, keyId: key.keyId, sealed, reason, ...change };
  return acme.administrator.post(`/v1/devices/${device}/secrets`, body);
}

async function payloadOf(command: string) {
  const { rows } = await admin.query(
    'SELECT payload, expires_at - created_at AS life FROM commands WHERE id = $1',
    [command],
  );
  return { payload: JSON.parse(rows[0].payload.toString()), days: rows[0].life.days };
}

describe('a secret for a device', () => {
  it('is refused until the device has announced a vault', async () => {
    const { status, body } = await push();
    expect([status, body.error.code]).toEqual([409, 'request/conflict']);
  });

  it('travels sealed in a signed command for seven days, and only the device opens it', async () => {
    await announce(vault);
    const { status, body } = await push();
    expect([status, body.verb]).toEqual([201, 'put-secret']);
    const { payload, days } = await payloadOf(body.id);
    expect(days).toBe(7);
    expect(payload.arguments).toMatchObject(binding);
    const opened = await openSecret(vault, binding, JSON.parse(payload.arguments.sealed));
    expect(Buffer.from(opened).toString()).toBe(VALUE);
  });

  it('leaves its name and provider in the audit, nothing more', async () => {
    const { body } = await acme.administrator.get('/v1/audit');
    const entry = body.items.find((one: { action: string }) => one.action === 'command.put-secret');
    expect(entry.after.arguments).toEqual(binding);
    expect(JSON.stringify(body)).not.toContain('ciphertext');
  });

  it('for any API travels with what it is for, and opens for that alone', async () => {
    const use = { hosts: ['api.example.com'], in: [{ header: 'x-key' }], maxUses: 5 };
    const bound = { name: 'any', provider: 'api', use };
    const sealed = await sealSecret(vault.publicKey, bound, Buffer.from(VALUE));
    const change = { ...bound, sealed: JSON.stringify(sealed) };
    const { status, body } = await push(vault, change);
    expect(status).toBe(201);
    const { payload } = await payloadOf(body.id);
    expect(payload.arguments).toMatchObject({ name: 'any', provider: 'api' });
    expect(JSON.parse(payload.arguments.use)).toEqual(use);
    const opened = await openSecret(vault, bound, JSON.parse(payload.arguments.sealed));
    expect(Buffer.from(opened).toString()).toBe(VALUE);
    const wider = { ...bound, use: { ...use, maxUses: 6 } };
    await expect(openSecret(vault, wider, sealed)).rejects.toThrow();
    for (const bad of [{ provider: 'openai' }, { use: undefined }, { use: { ...use, hosts: ['*'] } }]) {
      expect((await push(vault, { ...change, ...bad })).status).toBe(400);
    }
    const audit = await acme.administrator.get('/v1/audit');
    const entry = audit.body.items.find((one: { action: string }) => one.action === 'command.put-secret');
    expect(JSON.parse(entry.after.arguments.use)).toEqual(use);
  });

  it('is refused when the database holds a vault key that the device did not sign', async () => {
    const attacker = await deriveVaultKey(randomBytes(32));
    await announce(attacker, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
    expect((await push(attacker)).status).toBe(409);
    // Nor does the console get to see it, which would seal to it.
    const shown = () => acme.administrator.get(`/v1/devices/${device}`);
    expect((await shown()).body.vaultKey).toBeNull();
    await announce(vault);
    expect((await shown()).body.vaultKey.keyId).toBe(vault.keyId);
  });

  it('is refused when it is sealed to a key that the device has no more', async () => {
    expect((await push(await deriveVaultKey(randomBytes(32)))).status).toBe(409);
    expect((await push(vault, { keyId: '0'.repeat(16) })).status).toBe(400);
  });

  it('is refused in the clear, and not repeated in the answer', async () => {
    for (const sealed of [
      VALUE,
      JSON.stringify({ value: VALUE }),
      JSON.stringify({ v: 1, keyId: vault.keyId, enc: VALUE }),
    ]) {
      const { status, body } = await push(vault, { sealed });
      expect([status, body.error.code]).toEqual([400, 'request/invalid']);
      expect(JSON.stringify(body)).not.toContain(VALUE);
    }
    const { rows } = await admin.query(
      `SELECT count(*)::int AS found FROM commands WHERE payload LIKE $1::bytea`,
      [Buffer.from(`%${VALUE}%`)],
    );
    expect(rows[0].found).toBe(0);
  });

  it('reaches no device of another organisation, and none that is paused', async () => {
    const sealed = JSON.stringify(await sealSecret(vault.publicKey, binding, Buffer.from(VALUE)));
    const body = { ...binding, keyId: vault.keyId, sealed, reason };
    expect((await rival.administrator.post(`/v1/devices/${device}/secrets`, body)).status).toBe(404);
    await admin.query(`UPDATE devices SET status = 'paused' WHERE id = $1`, [device]);
    expect((await push()).status).toBe(409);
    await admin.query(`UPDATE devices SET status = 'active' WHERE id = $1`, [device]);
  });

  it('can be taken back by name', async () => {
    const path = `/v1/devices/${device}/secrets/revoke`;
    const { status, body } = await acme.administrator.post(path, { name: 'openai', reason });
    expect([status, body.verb]).toEqual([201, 'revoke-secret']);
    expect((await payloadOf(body.id)).payload.arguments).toEqual({ name: 'openai' });
    expect((await acme.administrator.post(path, { name: '../x', reason })).status).toBe(400);
  });
});
