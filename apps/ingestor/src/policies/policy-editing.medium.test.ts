import { createHash, randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Principal } from '../auth/principal.ts';
import { seedEvent } from '../testing/seed-tenant.ts';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import { ReplayService } from './replay.service.ts';

const policy = (host: string, mode = 'enforce') => `apiVersion: raypher/v1
mode: ${mode}
network:
  default: allow
  rules:
    - id: not-approved
      effect: deny
      destinations: [${host}]
`;
const test = (host: string, outcome: string) => `tests:
  - name: ${host} is ${outcome}
    request: { action: network.connect, host: ${host} }
    expect: { outcome: ${outcome} }
`;
const global = (source: string) => [{ layer: 'global', source }];
const COMMIT = createHash('sha1').update('one').digest('hex');
const LATER_COMMIT = createHash('sha1').update('two').digest('hex');
const REPOSITORY = 'git.example/northwind/policies';

let api: TestApi;
let admin: pg.Client;
let acme: TestOrganisation;

beforeAll(async () => {
  api = await TestApi.start();
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
  acme = await api.found('Acme');
});
afterAll(async () => {
  await admin.end();
  await api.stop();
});

async function deploy(change: Record<string, unknown>) {
  const running = await acme.administrator.get('/v1/policies/running');
  return acme.administrator.post('/v1/policies/deploy', {
    documents: global(policy('deepseek.example')),
    basedOn: running.body.revision,
    reason: 'A test of tests',
    confirm: 'Acme',
    ...change,
  });
}

const running = async () => (await acme.administrator.get('/v1/policies/running')).body;

describe('tests beside a policy', () => {
  it('are stored with the revision and never sent to devices', async () => {
    const tests = global(test('deepseek.example', 'DENY'));
    expect((await deploy({ tests })).status).toBe(201);
    expect(await running()).toMatchObject({ tests, source: null, stage: null });
    const { rows } = await admin.query(
      `SELECT convert_from(payload, 'UTF8') AS payload FROM state_bundles WHERE organisation_id = $1 ORDER BY revision DESC LIMIT 1`,
      [acme.id],
    );
    expect(rows[0].payload).toContain('not-approved');
    expect(rows[0].payload).not.toContain('deepseek.example is DENY');
  });

  it('refuse a deploy when they fail, also when they are left out of the request', async () => {
    const before = await running();
    const refused = await deploy({ documents: global(policy('other.example')) });
    expect(refused.status).toBe(422);
    expect(refused.body.error.code).toBe('policy/tests-failed');
    expect(refused.body.error.details.failures).toMatchObject([
      {
        layer: 'global',
        name: 'deepseek.example is DENY',
        differences: [{ key: 'outcome', actual: 'ALLOW' }],
      },
    ]);
    expect((await running()).revision).toBe(before.revision);
  });

  it('are overridden with a reason that the audit keeps', async () => {
    const documents = global(policy('other.example'));
    expect((await deploy({ documents, overrideTests: 'no' })).status).toBe(400);
    const overridden = await deploy({ documents, overrideTests: 'DeepSeek was approved this morning' });
    expect(overridden.status).toBe(201);
    const { body } = await acme.administrator.get('/v1/audit');
    expect(body.items[0]).toMatchObject({
      action: 'policy.deploy',
      after: { overrideTests: 'DeepSeek was approved this morning' },
    });
  });

  it('that cannot be read are refused with line and column, whatever is overridden', async () => {
    const refused = await deploy({ tests: global('tests:\n  - nmae: x\n'), overrideTests: 'All the same' });
    expect([refused.status, refused.body.error.code]).toEqual([422, 'policy/schema']);
    expect(refused.body.error.message).toMatch(/^Tests of the global policy, line 2, column 5/);
  });

  it('do not stand in the way of rolling back, which brings the tests of that time back', async () => {
    const good = 2;
    const back = await acme.administrator.post('/v1/policies/rollback', {
      revision: good,
      reason: 'Back',
      confirm: 'Acme',
    });
    expect(back.status).toBe(201);
    expect((await running()).tests).toEqual(global(test('deepseek.example', 'DENY')));
  });
});

describe('what would have changed', () => {
  let device: string;

  /** One entry as a device writes it. */
  function entry(seq: number, change: Record<string, unknown>): string {
    return JSON.stringify({
      v: 1,
      organisation: acme.id,
      device,
      seq,
      prev: createHash('sha256').update(String(seq)).digest('hex'),
      at: new Date().toISOString(),
      type: 'network.request',
      severity: 'info',
      actor: { kind: 'ai-agent', id: 'agent', name: 'agent.mjs' },
      action: 'call',
      target: 'api.openai.com/v1/chat/completions',
      data: { host: 'api.openai.com', provider: 'openai', model: 'gpt-5', port: 443 },
      ...change,
    });
  }

  beforeAll(async () => {
    device = randomUUID();
    await admin.query(
      `INSERT INTO devices (id, organisation_id, hostname, os, kernel, arch, agent_version, identity_class, key_fingerprint, machine_id)
       VALUES ($1, $2, 'laptop', 'Linux', '6', 'x64', '1', 'software', $3, 'm')`,
      [device, acme.id, randomBytes(32)],
    );
    const seed = (seq: number, change: Record<string, unknown> = {}, days = 0) =>
      seedEvent(
        admin,
        { organisation: acme.id, device },
        {
          seq,
          entry: entry(seq, change),
          ...(days === 0 ? {} : { receivedAt: new Date(Date.now() - days * 86_400_000) }),
        },
      );
    await seed(1);
    await seed(2);
    await seed(3, { target: 'quiet.example/', data: { host: 'quiet.example', port: 443 } });
    // Nothing that can be decided again.
    await seedEvent(admin, { organisation: acme.id, device }, { seq: 4 });
  });

  const week = () => ({
    from: new Date(Date.now() - 7 * 86_400_000).toISOString(),
    to: new Date(Date.now() + 60_000).toISOString(),
  });
  const replay = (change: Record<string, unknown>) =>
    acme.administrator.post('/v1/policies/replay', {
      documents: global(policy('api.openai.com')),
      ...week(),
      ...change,
    });

  it('is counted by outcome and rule, with the events to look at', async () => {
    const { status, body } = await replay({});
    expect(status).toBe(200);
    expect(body).toMatchObject({ events: 4, requests: 3, unchanged: 1, notReplayed: 1, stoppedBy: null });
    expect(body.changes).toMatchObject([
      {
        before: 'ALLOW',
        after: 'DENY',
        ruleBefore: 'network/default',
        ruleAfter: 'not-approved',
        direction: 'stricter',
        count: 2,
        examples: [
          { deviceId: device, seq: 2, actor: 'agent.mjs', target: 'api.openai.com/v1/chat/completions' },
          { deviceId: device, seq: 1 },
        ],
      },
    ]);
    expect(body.unknown.join(' ')).toMatch(/Limits of spending/);
  });

  it('shows what going from monitor to enforce would have blocked', async () => {
    const documents = global(policy('api.openai.com', 'monitor'));
    expect((await replay({ documents })).body).toMatchObject({ unchanged: 3, changes: [] });
    expect((await replay({ documents, assumeEnforced: true })).body.changes).toMatchObject([
      { after: 'DENY', count: 2 },
    ]);
  });

  it('stops at the limit and says so, and looks at no event out of the time', async () => {
    expect((await replay({ limit: 2 })).body).toMatchObject({ events: 2, stoppedBy: 'limit' });
    const before = await replay({ to: new Date(Date.now() - 86_400_000).toISOString() });
    expect(before.body).toMatchObject({ events: 0, covered: null, stoppedBy: null });
  });

  it('reads no event of another organisation, and shows none to who may not read events', async () => {
    const other = await api.found('Umbrella');
    const theirs = await other.administrator.post('/v1/policies/replay', {
      documents: global(policy('api.openai.com')),
      ...week(),
    });
    expect(theirs.body).toMatchObject({ events: 0, changes: [] });
    const program = await api.program(acme, ['policies:deploy']);
    const counted = await program.post('/v1/policies/replay', {
      documents: global(policy('api.openai.com')),
      ...week(),
    });
    expect(counted.body.changes).toMatchObject([{ count: 2, examples: [] }]);
  });

  it('of two at the same moment one is told to wait', async () => {
    const service = api.app.get(ReplayService, { strict: false });
    const caller: Principal = {
      kind: 'api-token',
      id: 'p',
      name: 'p',
      email: null,
      organisation: { id: acme.id, name: 'Acme' },
      role: null,
      teamId: null,
      permissions: new Set(),
      address: '',
      sessionId: null,
    };
    const input = {
      documents: [{ layer: 'global' as const, source: policy('api.openai.com') }],
      ...week(),
      limit: 10,
      assumeEnforced: false,
    };
    const first = service.replay(caller, input);
    await expect(service.replay(caller, input)).rejects.toMatchObject({ code: 'request/rate-limited' });
    expect((await first).events).toBe(4);
    expect((await service.replay(caller, input)).events).toBe(4);
  });

  it('refuses documents with mistakes', async () => {
    const { status, body } = await replay({ documents: global('mode: perhaps') });
    expect([status, body.error.code]).toEqual([422, 'policy/schema']);
  });
});

describe('policies of a repository', () => {
  const apply = async (change: Record<string, unknown> = {}, query = '') =>
    (await api.program(acme, ['policies:deploy', 'policies:read'])).request('PUT', `/v1/policies${query}`, {
      documents: global(policy('api.openai.com')),
      tests: global(test('api.openai.com', 'DENY')),
      reason: 'As merged',
      source: { repository: REPOSITORY, commit: COMMIT },
      ...change,
    });

  it('a dry run says what would change and changes nothing', async () => {
    const before = await running();
    const { status, body } = await apply({}, '?dry_run=true');
    expect(status).toBe(200);
    expect(body).toMatchObject({ changed: true, dryRun: true, revision: before.revision, rolloutId: null });
    expect(body.changes).toEqual([{ layer: 'global', words: 'Rule not-approved changed' }]);
    expect(body.replay).toMatchObject({ requests: 3, changes: [{ after: 'DENY', count: 2, examples: [] }] });
    expect((await running()).revision).toBe(before.revision);
  });

  it('is applied once; again changes nothing', async () => {
    const before = await running();
    const first = await apply();
    expect(first.body).toMatchObject({ changed: true, revision: before.revision + 1 });
    const again = await apply({ source: { repository: REPOSITORY, commit: LATER_COMMIT } });
    expect(again.body).toMatchObject({ changed: false, revision: before.revision + 1, rolloutId: null });
    expect(await running()).toMatchObject({
      revision: before.revision + 1,
      createdBy: 'API token a program',
      source: { repository: REPOSITORY, commit: COMMIT },
      drift: null,
    });
    const { body } = await acme.administrator.get('/v1/audit');
    const applied = body.items.find(({ action }: { action: string }) => action === 'policy.apply');
    expect(applied).toMatchObject({ actor: { kind: 'api-token' }, after: { source: { commit: COMMIT } } });
  });

  it('of two programs that apply the same at the same moment one makes a revision', async () => {
    const documents = global(policy('twice.example'));
    const tests = global(test('twice.example', 'DENY'));
    const answers = await Promise.all([apply({ documents, tests }), apply({ documents, tests })]);
    expect(answers.map(({ body }) => body.changed).sort()).toEqual([false, true]);
    await apply();
  });

  it('failing tests refuse it, and so does a scope that is too small', async () => {
    const tests = global(test('api.openai.com', 'ALLOW'));
    for (const query of ['', '?dry_run=true']) {
      expect((await apply({ tests }, query)).body.error.code).toBe('policy/tests-failed');
    }
    const reader = await api.program(acme, ['policies:read']);
    expect((await reader.request('PUT', '/v1/policies', {})).status).toBe(403);
  });

  it('a person who applies has to confirm', async () => {
    const body = {
      documents: global(policy('by-hand.example')),
      reason: 'By hand',
      source: { repository: REPOSITORY, commit: COMMIT },
    };
    const refused = await acme.administrator.request('PUT', '/v1/policies', body);
    expect(refused.status).toBe(400);
    expect(refused.body.error.hint).toContain('Acme');
  });

  it('what is changed by hand afterwards is shown as drift, until the repository is applied again', async () => {
    const applied = await running();
    const changed = await deploy({ documents: global(policy('by-hand.example')), tests: [] });
    expect(changed.status).toBe(201);
    expect((await running()).drift).toMatchObject({
      source: { repository: REPOSITORY, commit: COMMIT },
      appliedRevision: applied.revision,
      changedBy: expect.stringContaining('@'),
    });
    await acme.administrator.post('/v1/policies/rollback', {
      revision: applied.revision,
      reason: 'As in the repository',
      confirm: 'Acme',
    });
    expect((await running()).drift).toBeNull();
    await deploy({ documents: global(policy('by-hand.example')), tests: [] });
    const again = await apply();
    expect(again.body.changed).toBe(true);
    expect((await running()).drift).toBeNull();
  });
});
