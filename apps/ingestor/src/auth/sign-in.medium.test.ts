import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi, type TestOrganisation, WEB_ORIGIN } from '../testing/test-api.ts';
import { TestClient } from '../testing/test-client.ts';
import { AccountsService } from './accounts.service.ts';
import { SIGN_IN_ATTEMPTS } from './sign-in.ts';

let api: TestApi;
let acme: TestOrganisation;
let admin: pg.Client;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await api.stop();
});

const browser = (address: string) => api.browser(address);
const somebody = (name: string) => api.somebody(acme, name);

describe('signing in', () => {
  it('reads no more than a password needs, and nothing whose size is not said', async () => {
    const url = new URL('/api/auth/sign-in/email', api.url);
    const send = (body: string | ReadableStream) =>
      fetch(url, {
        method: 'POST',
        headers: { origin: WEB_ORIGIN, 'content-type': 'application/json' },
        body,
        duplex: 'half',
      } as RequestInit);
    const large = ' '.repeat(17 * 1024);
    const chunked = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('{}'));
        controller.close();
      },
    });
    for (const body of [large, chunked]) {
      const answer = await send(body);
      expect(answer.status).toBe(413);
      expect(await answer.json()).toMatchObject({ error: { code: 'request/too-large' } });
    }
  });

  it('gives a cookie that scripts cannot read and other sites cannot send', async () => {
    const me = await acme.administrator.get('/v1/me');
    expect(me.body).toMatchObject({ kind: 'user', role: 'ciso', organisation: { name: 'Acme' } });
    const answer = await browser('10.1.0.1').post('/api/auth/sign-in/email', {
      email: me.body.email,
      password: 'not the password',
    });
    expect(answer.headers.getSetCookie()).toEqual([]);
    const password = randomBytes(12).toString('base64url');
    const created = await acme.administrator.post('/v1/members', {
      name: 'Cookie',
      email: 'cookie@example.test',
      role: 'auditor',
    });
    expect(created.body.password).not.toBe(password);
    const signedIn = await browser('10.1.0.2').post('/api/auth/sign-in/email', {
      email: 'cookie@example.test',
      password: created.body.password,
    });
    const [cookie] = signedIn.headers.getSetCookie();
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Lax');
  });

  it('says the same about a wrong password and an unknown address', async () => {
    const me = await acme.administrator.get('/v1/me');
    const wrong = await browser('10.2.0.1').post('/api/auth/sign-in/email', {
      email: me.body.email,
      password: 'a wrong password',
    });
    const unknown = await browser('10.2.0.2').post('/api/auth/sign-in/email', {
      email: 'nobody@example.test',
      password: 'a wrong password',
    });
    expect(wrong.status).toBe(401);
    expect([unknown.status, unknown.body]).toEqual([wrong.status, wrong.body]);
  });

  it('nobody signs up, changes an address, or deletes an account', async () => {
    for (const path of [
      '/sign-up/email',
      '/change-email',
      '/delete-user',
      '/update-user',
      '/request-password-reset',
      '/sign-in/social',
    ]) {
      const answer = await browser('10.3.0.1').post(`/api/auth${path}`, {
        email: 'new@example.test',
        password: 'a long enough password',
        name: 'New',
      });
      expect([answer.status, answer.body.error.code], path).toEqual([404, 'request/not-found']);
    }
    const users = await admin.query(`SELECT 1 FROM auth."user" WHERE email = 'new@example.test'`);
    expect(users.rowCount).toBe(0);
  });

  it('is limited per address, in the database, whatever addresses the client claims', async () => {
    const attempts = [];
    for (let attempt = 0; attempt <= SIGN_IN_ATTEMPTS; attempt += 1) {
      const client = browser('10.4.0.1').with({ 'x-raypher-client-address': `10.5.0.${attempt}` });
      const { status } = await client.post('/api/auth/sign-in/email', {
        email: 'nobody@example.test',
        password: 'a wrong password',
      });
      attempts.push(status);
    }
    expect(attempts).toEqual([...Array(SIGN_IN_ATTEMPTS).fill(401), 429]);
    const other = await browser('10.4.0.2').post('/api/auth/sign-in/email', {
      email: 'nobody@example.test',
      password: 'a wrong password',
    });
    expect(other.status).toBe(401);
    const rows = await admin.query(`SELECT 1 FROM auth."rateLimit" WHERE key LIKE '%10.4.0.1%'`);
    expect(rows.rowCount).toBe(1);
  });

  it('another site cannot sign somebody in', async () => {
    const answer = await browser('10.6.0.1')
      .with({ origin: 'https://evil.example', cookie: 'a=b' })
      .post('/api/auth/sign-in/email', { email: 'nobody@example.test', password: 'a wrong password' });
    expect(answer.status).toBe(403);
  });

  it('leaves an entry in the audit', async () => {
    const audit = await acme.administrator.get('/v1/audit?limit=500');
    const actions = audit.body.items.map((item: { action: string }) => item.action);
    expect(actions).toContain('session.start');
  });
});

describe('a password', () => {
  it('does not change without an entry in the audit, whoever changes it', async () => {
    const initech = await api.found('Initech passwords');
    const { body } = await initech.administrator.post('/v1/members', {
      name: 'Changing',
      email: 'changing@example.test',
      role: 'auditor',
    });
    const client = await api.signIn(body.member.email, body.password);
    const newPassword = randomBytes(12).toString('base64url');
    const change = await client.post('/api/auth/change-password', {
      currentPassword: body.password,
      newPassword,
    });
    expect(change.status).toBe(200);
    const reset = randomBytes(12).toString('base64url');
    await api.app.get(AccountsService, { strict: false }).resetPassword(body.member.email, reset);
    const { body: audit } = await initech.administrator.get('/v1/audit');
    const entries = audit.items.filter(({ action }: { action: string }) => action.startsWith('password.'));
    expect(entries).toMatchObject([
      { action: 'password.reset', actor: { kind: 'system' }, target: body.member.email },
      {
        action: 'password.change',
        actor: { kind: 'user', id: body.member.userId },
        target: body.member.email,
      },
    ]);
    expect(entries[1].address).toMatch(/^10\./);
    expect(JSON.stringify(audit)).not.toContain(newPassword);
  });

  it('that changes ends every session, and gives the person a new one', async () => {
    const { email, password } = await somebody('everywhere');
    const here = await api.signIn(email, password);
    const elsewhere = await api.signIn(email, password);
    const newPassword = randomBytes(12).toString('base64url');
    const change = await here.post('/api/auth/change-password', {
      currentPassword: password,
      newPassword,
      revokeOtherSessions: false,
    });
    expect(change.status).toBe(200);
    // A copy of the cookie is not worth more than any other.
    for (const ended of [elsewhere, here]) expect((await ended.get('/v1/me')).status).toBe(401);
    const next = here.keeping(change);
    expect((await next.get('/v1/me')).body.email).toBe(email);
    const { body: audit } = await acme.administrator.get('/v1/audit?limit=2');
    expect(audit.items).toMatchObject([
      {
        action: 'session.end',
        actor: { kind: 'user' },
        target: email,
        reason: 'The password was changed.',
        after: { sessions: 2 },
        address: here.headers['x-forwarded-for'],
      },
      { action: 'password.change', target: email },
    ]);
  });

  it('that is wrong ends nothing', async () => {
    const { email, password } = await somebody('mistaken');
    const client = await api.signIn(email, password);
    const change = await client.post('/api/auth/change-password', {
      currentPassword: 'not the password',
      newPassword: randomBytes(12).toString('base64url'),
    });
    expect(change.status).toBe(400);
    expect((await client.get('/v1/me')).status).toBe(200);
    const { body: audit } = await acme.administrator.get('/v1/audit?limit=1');
    expect(audit.items).toMatchObject([{ action: 'session.start', target: email }]);
  });

  it('that was good when a sign-in began does not open a session after it was changed', async () => {
    const { email, password } = await somebody('racing');
    const client = await api.signIn(email, password);
    const late = browser('10.7.0.1');
    await admin.query(`CREATE FUNCTION auth.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW."ipAddress" = '10.7.0.1' THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN NEW; END $$`);
    await admin.query(
      `CREATE TRIGGER hold BEFORE INSERT ON auth.session FOR EACH ROW EXECUTE FUNCTION auth.hold()`,
    );
    await admin.query('SELECT pg_advisory_lock(7)');
    const signingIn = late.post('/api/auth/sign-in/email', { email, password });
    await expect
      .poll(async () => {
        const { rows } = await admin.query(
          // Those of all databases of the server are in there.
          `SELECT count(*)::int AS held FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        );
        return rows[0].held;
      })
      .toBe(1);
    const change = await client.post('/api/auth/change-password', {
      currentPassword: password,
      newPassword: randomBytes(12).toString('base64url'),
    });
    expect(change.status).toBe(200);
    await admin.query('SELECT pg_advisory_unlock(7)');
    await admin.query('DROP FUNCTION auth.hold CASCADE');
    const answer = await signingIn;
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([401, []]);
    const left = await admin.query(`SELECT 1 FROM auth.session WHERE "ipAddress" = '10.7.0.1'`);
    expect(left.rowCount).toBe(0);
    expect((await client.keeping(change).get('/v1/me')).status).toBe(200);
  });
});

describe('a session', () => {
  it('ends at once when the person signs out', async () => {
    const client = await api.member(acme, 'auditor');
    expect((await client.get('/v1/me')).status).toBe(200);
    expect((await client.post('/api/auth/sign-out')).status).toBe(200);
    expect((await client.get('/v1/me')).status).toBe(401);
  });

  it('does not end without an entry in the audit, whichever way the person ends it', async () => {
    const { email, password } = await somebody('leaving');
    const ends = async () => {
      const { body } = await acme.administrator.get('/v1/audit?limit=20');
      return body.items
        .filter(
          (one: { action: string; target: string }) => one.action === 'session.end' && one.target === email,
        )
        .map(({ reason, after }: { reason: string; after: unknown }) => [reason, after]);
    };
    const [first, second, third] = [
      await api.signIn(email, password),
      await api.signIn(email, password),
      await api.signIn(email, password),
    ];
    const { body: sessions } = await first.get('/api/auth/list-sessions');
    await first.post('/api/auth/revoke-session', { token: sessions[0].token });
    await first.post('/api/auth/revoke-session', { token: 'of somebody else' });
    const still = [];
    for (const client of [first, second, third]) {
      if ((await client.get('/v1/me')).status === 200) still.push(client);
    }
    await still[0]?.post('/api/auth/revoke-other-sessions');
    await still[0]?.post('/api/auth/sign-out');
    await still[0]?.post('/api/auth/sign-out');
    expect(await ends()).toEqual([
      ['Signed out.', { sessions: 1 }],
      ['All other sessions were ended.', { sessions: 1 }],
      ['One session was ended.', { sessions: 1 }],
    ]);
  });

  it('ends with all others of the person, however many there are', async () => {
    const { email, password } = await somebody('many');
    const client = await api.signIn(email, password);
    await admin.query(
      `INSERT INTO auth.session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
        SELECT 'many-' || n, 'many-' || n, id, now() + interval '1 hour', now(), now()
        FROM auth."user", generate_series(1, 130) AS n WHERE email = $1`,
      [email],
    );
    expect((await client.post('/api/auth/revoke-other-sessions')).status).toBe(200);
    const left = await admin.query(`SELECT 1 FROM auth.session WHERE id LIKE 'many-%'`);
    expect(left.rowCount).toBe(0);
  });

  it('ends at once when the member is disabled, and its role changes at once', async () => {
    const client = await api.member(acme, 'admin');
    const { body: me } = await client.get('/v1/me');
    await acme.administrator.patch(`/v1/members/${me.id}`, { role: 'developer', reason: 'Moved on' });
    expect((await client.get('/v1/audit')).status).toBe(403);
    await acme.administrator.patch(`/v1/members/${me.id}`, { disabled: true, reason: 'Left' });
    expect((await client.get('/v1/me')).status).toBe(401);
  });

  it('cannot be used from another site: Origin and Sec-Fetch-Site are checked on every change', async () => {
    const { administrator } = acme;
    const body = { name: 'Forged' };
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://console.test.evil.example' },
    ]) {
      const forged = await administrator.with(headers).post('/v1/teams', body);
      expect([forged.status, forged.body.error.code], JSON.stringify(headers)).toEqual([
        403,
        'auth/forbidden',
      ]);
    }
    const bare = administrator.without('origin');
    expect((await bare.post('/v1/teams', body)).status).toBe(403);
    expect((await bare.with({ 'sec-fetch-site': 'cross-site' }).post('/v1/teams', body)).status).toBe(403);
    expect((await bare.with({ 'sec-fetch-site': 'same-origin' }).post('/v1/teams', body)).status).toBe(201);
    // Reading gives nothing to another site: it cannot see the answer.
    expect((await bare.get('/v1/teams')).status).toBe(200);
  });

  it('is not accepted in the name of another organisation', async () => {
    const globex = await api.found('Globex');
    const crossed = await acme.administrator.with({ 'x-raypher-organisation': globex.id }).get('/v1/me');
    expect([crossed.status, crossed.body.error.code]).toEqual([403, 'auth/forbidden']);
  });
});

describe('an API token', () => {
  async function mint(scopes: string[]) {
    const answer = await acme.administrator.post('/v1/api-tokens', { name: 'CI', scopes });
    expect(answer.status).toBe(201);
    return { id: answer.body.apiToken.id, token: answer.body.token };
  }
  const bearer = (token: string) => new TestClient(api.url, { authorization: `Bearer ${token}` });

  it('works from anywhere with its scopes, and is stored as a hash only', async () => {
    const { token } = await mint(['devices:read']);
    const me = await bearer(token).get('/v1/me');
    expect(me.body).toMatchObject({ kind: 'api-token', role: null, permissions: ['devices:read'] });
    const stored = await admin.query('SELECT * FROM api_tokens');
    expect(JSON.stringify(stored.rows)).not.toContain(token);
  });

  it('is refused once expired, once revoked, and when it was never made', async () => {
    const { id, token } = await mint(['overview:read']);
    await admin.query(`UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE id = $1`, [id]);
    const expired = await bearer(token).get('/v1/overview');
    expect([expired.status, expired.body.error.message]).toEqual([401, 'This API token has expired.']);
    const second = await mint(['overview:read']);
    expect((await acme.administrator.delete(`/v1/api-tokens/${second.id}`)).status).toBe(204);
    const revoked = await bearer(second.token).get('/v1/overview');
    expect([revoked.status, revoked.body.error.message]).toEqual([401, 'This API token was revoked.']);
    for (const forged of [`rpk_${randomBytes(32).toString('base64url')}`, 'rpk_', 'x', `${second.token}x`]) {
      expect((await bearer(forged).get('/v1/overview')).status, forged).toBe(401);
    }
  });

  it('is never ignored in favour of a cookie', async () => {
    const wrong = acme.administrator.with({ authorization: 'Bearer rpk_wrong' });
    expect((await wrong.get('/v1/me')).status).toBe(401);
  });

  it('cannot make another with more than it has itself', async () => {
    const { token } = await mint(['api-tokens:manage', 'devices:read']);
    const wider = await bearer(token).post('/v1/api-tokens', { name: 'Wider', scopes: ['policies:deploy'] });
    expect([wider.status, wider.body.error.code]).toEqual([403, 'auth/forbidden']);
  });

  it('records when it was last used', async () => {
    const { id, token } = await mint(['overview:read']);
    await bearer(token).get('/v1/overview');
    await expect
      .poll(
        async () =>
          (await admin.query('SELECT last_used_at FROM api_tokens WHERE id = $1', [id])).rows[0].last_used_at,
      )
      .toBeInstanceOf(Date);
  });
});
