import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import { TestClient } from '../testing/test-client.ts';
import { FoundingService } from './founding.service.ts';

let api: TestApi;
let acme: TestOrganisation;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
});
afterAll(() => api.stop());

describe('members', () => {
  it('the last person who can administer cannot be disabled or demoted, not even by themselves', async () => {
    const { body: me } = await acme.administrator.get('/v1/me');
    for (const change of [{ disabled: true }, { role: 'developer' }]) {
      const refused = await acme.administrator.patch(`/v1/members/${me.id}`, {
        ...change,
        reason: 'A mistake',
      });
      expect([refused.status, refused.body.error.code]).toEqual([409, 'request/conflict']);
    }
  });

  it('nobody takes a role from somebody that they could not give them', async () => {
    const admin = await api.member(acme, 'admin');
    const { body: ciso } = await acme.administrator.get('/v1/me');
    const { body: token } = await acme.administrator.post('/v1/api-tokens', {
      name: 'people',
      scopes: ['members:manage'],
    });
    const program = new TestClient(api.url, { authorization: `Bearer ${token.token}` });
    for (const client of [admin, program]) {
      for (const change of [{ role: 'auditor' }, { disabled: true }]) {
        const refused = await client.patch(`/v1/members/${ciso.id}`, { ...change, reason: 'A coup' });
        expect([refused.status, refused.body.error.code]).toEqual([403, 'auth/forbidden']);
      }
    }
  });

  it('of two administrators who disable each other at the same moment one is left, whoever else there is', async () => {
    const second = await api.member(acme, 'ciso');
    const program = await (async () => {
      const { body } = await second.post('/v1/api-tokens', { name: 'Seconds', scopes: ['members:manage'] });
      return new TestClient(api.url, { authorization: `Bearer ${body.token}` });
    })();
    const bystander = await api.member(acme, 'developer');
    const [{ body: me }, { body: other }, { body: third }] = await Promise.all([
      acme.administrator.get('/v1/me'),
      second.get('/v1/me'),
      bystander.get('/v1/me'),
    ]);
    // All are let in before any of them can act.
    const held = new pg.Client({ connectionString: api.database.adminUrl });
    await held.connect();
    onTestFinished(() => held.end());
    await held.query('BEGIN');
    await held.query('SELECT 1 FROM members WHERE organisation_id = $1 FOR UPDATE', [acme.id]);
    const waiting = async () => {
      // A transaction would otherwise see the same activity for ever.
      await held.query('SELECT pg_stat_clear_snapshot()');
      const { rows } = await held.query<{ count: string }>(
        `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return Number(rows[0]?.count);
    };
    const first = acme.administrator.patch(`/v1/members/${other.id}`, { disabled: true, reason: 'A duel' });
    await expect.poll(waiting).toBe(1);
    const late = [
      second.patch(`/v1/members/${me.id}`, { disabled: true, reason: 'A duel' }),
      program.patch(`/v1/members/${third.id}`, { disabled: true, reason: 'A duel' }),
    ];
    await expect.poll(waiting).toBe(3);
    await held.query('COMMIT');
    const answers = await Promise.all([first, ...late]);
    expect(answers.map(({ status }) => status)).toEqual([200, 403, 403]);
    const survivors = [acme.administrator, second, bystander];
    const still = await Promise.all(survivors.map(async (client) => (await client.get('/v1/me')).status));
    expect(still).toEqual([200, 401, 200]);
  });
});

describe('API tokens of a member', () => {
  it('end with the rights that made them', async () => {
    const globex = await api.found('Globex tokens');
    const admin = await api.member(globex, 'admin');
    const { body: me } = await admin.get('/v1/me');
    const mint = async (scopes: string[]) => {
      const { body } = await admin.post('/v1/api-tokens', { name: scopes.join(' '), scopes });
      return new TestClient(api.url, { authorization: `Bearer ${body.token}` });
    };
    const reading = await mint(['devices:read']);
    const deploying = await mint(['devices:read', 'policies:deploy']);
    await globex.administrator.patch(`/v1/members/${me.id}`, { role: 'developer', reason: 'Moved on' });
    expect([(await reading.get('/v1/devices')).status, (await deploying.get('/v1/devices')).status]).toEqual([
      200, 401,
    ]);
    await globex.administrator.patch(`/v1/members/${me.id}`, { disabled: true, reason: 'Left' });
    expect((await reading.get('/v1/devices')).status).toBe(401);
    const audit = await globex.administrator.get('/v1/audit');
    expect(audit.body.items[0].after).toMatchObject({ disabled: true, revokedTokens: ['devices:read'] });
  });
});

describe('what somebody may give', () => {
  it('is never more than they have: a program that manages members cannot make itself an administrator', async () => {
    const initrode = await api.found('Initrode members');
    const program = await api.program(initrode, ['members:manage', 'members:read']);
    const member = { name: 'Back door', email: 'back-door@example.test', role: 'ciso' };
    const created = await program.post('/v1/members', member);
    expect([created.status, created.body.error?.code]).toEqual([403, 'auth/forbidden']);
    const auditor = await api.member(initrode, 'auditor');
    const { body: me } = await auditor.get('/v1/me');
    const raised = await program.patch(`/v1/members/${me.id}`, { role: 'admin', reason: 'Promotion' });
    expect([raised.status, raised.body.error?.code]).toEqual([403, 'auth/forbidden']);
    expect((await auditor.get('/v1/me')).body.role).toBe('auditor');
  });
});

describe('API tokens that no longer have anybody behind them', () => {
  it('cannot arise: a token makes no tokens, so ending it ends all it could do', async () => {
    const hooli = await api.found('Hooli tokens');
    const program = await api.program(hooli, ['api-tokens:manage', 'policies:read']);
    const second = await program.post('/v1/api-tokens', { name: 'Heir', scopes: ['policies:read'] });
    expect([second.status, second.body.error?.code]).toEqual([403, 'auth/forbidden']);
    expect((await program.get('/v1/api-tokens')).status).toBe(200);
  });

  it('do not let a manager freeze more than the own team', async () => {
    const piper = await api.found('Pied Piper tokens');
    const admin = await api.member(piper, 'admin');
    const { body: me } = await admin.get('/v1/me');
    const { body } = await admin.post('/v1/api-tokens', { name: 'Freezer', scopes: ['freezes:manage'] });
    const program = new TestClient(api.url, { authorization: `Bearer ${body.token}` });
    await piper.administrator.patch(`/v1/members/${me.id}`, { role: 'manager', reason: 'Moved on' });
    const freeze = { selector: { kind: 'all' }, reason: 'A grudge', confirm: piper.name };
    expect((await program.post('/v1/freezes', freeze)).status).toBe(401);
  });
});

describe('setting up', () => {
  it('a second organisation sees nothing of the first', async () => {
    const globex = await api.found('Globex');
    for (const path of [
      '/v1/members',
      '/v1/teams',
      '/v1/audit',
      '/v1/freezes',
      '/v1/rollouts',
      '/v1/alerts',
    ]) {
      const { body } = await globex.administrator.get(path);
      expect(JSON.stringify(body), path).not.toContain(acme.id);
    }
    const members = await globex.administrator.get('/v1/members');
    expect(members.body.items).toHaveLength(1);
  });

  it('the same organisation set up twice is one organisation', async () => {
    const founding = api.app.get(FoundingService, { strict: false });
    const input = { organisation: 'Initech', email: 'boss@initech.test', password: 'a-long-enough-one' };
    const first = await founding.ensure(input);
    const second = await founding.ensure(input);
    expect([first.created, second.created, second.organisation]).toEqual([true, false, first.organisation]);
  });
});
