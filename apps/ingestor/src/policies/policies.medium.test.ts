import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';

const DENY_DEEPSEEK = `apiVersion: raypher/v1
mode: enforce
network:
  default: allow
  rules:
    - id: no-deepseek
      effect: deny
      destinations: ['*.deepseek.com', 'deepseek.com']
      reason: Not approved for company data.
`;

let api: TestApi;
let acme: TestOrganisation;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
});
afterAll(() => api.stop());

function globalDocument(source: string) {
  return [{ layer: 'global', source }];
}

describe('policies', () => {
  it('a fresh organisation runs the starter policy in monitor mode as revision 1', async () => {
    const { status, body } = await acme.administrator.get('/v1/policies/running');
    expect(status).toBe(200);
    expect(body).toMatchObject({ revision: 1, running: true, rolledBackTo: null });
    expect(body.documents[0].source).toContain('mode: monitor');
    expect(body.digest).toMatch(/^[0-9a-f]{64}$/);
    const overview = await acme.administrator.get('/v1/overview');
    expect(overview.body.policy).toEqual({ revision: 1, mode: 'monitor', appliedBy: 0 });
  });

  it('deploys: a new revision, a rollout, and an audit entry with before and after', async () => {
    const deployed = await acme.administrator.post('/v1/policies/deploy', {
      documents: globalDocument(DENY_DEEPSEEK),
      basedOn: 1,
      reason: 'DeepSeek is not approved',
      confirm: 'Acme',
    });
    expect(deployed.status).toBe(201);
    expect(deployed.body).toMatchObject({ kind: 'policy', revision: 2, title: 'Policy revision 2' });
    const running = await acme.administrator.get('/v1/policies/running');
    expect(running.body).toMatchObject({ revision: 2, reason: 'DeepSeek is not approved' });
    const audit = await acme.administrator.get('/v1/audit');
    const entry = audit.body.items.find((item: { target: string }) => item.target === 'revision 2');
    expect(entry).toMatchObject({
      action: 'policy.deploy',
      reason: 'DeepSeek is not approved',
      actor: { kind: 'user' },
      before: { revision: 1 },
      after: { revision: 2, documents: globalDocument(DENY_DEEPSEEK) },
    });
    const rollouts = await acme.administrator.get('/v1/rollouts');
    expect(rollouts.body.items.map((item: { revision: number }) => item.revision)).toEqual([2, 1]);
    expect(rollouts.body.items[1].supersededAt).not.toBeNull();
  });

  it('refuses a deploy that is based on an older revision, and says which one runs', async () => {
    const refused = await acme.administrator.post('/v1/policies/deploy', {
      documents: globalDocument(DENY_DEEPSEEK),
      basedOn: 1,
      reason: 'Too late',
      confirm: 'Acme',
    });
    expect(refused.status).toBe(409);
    expect(refused.body.error).toMatchObject({
      code: 'policy/stale-revision',
      details: { basedOn: 1, running: 2 },
    });
  });

  it('of two deploys at the same moment exactly one wins', async () => {
    const input = { documents: globalDocument(DENY_DEEPSEEK), basedOn: 2, reason: 'A race', confirm: 'Acme' };
    const answers = await Promise.all([
      acme.administrator.post('/v1/policies/deploy', input),
      acme.administrator.post('/v1/policies/deploy', input),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it('wants the name of the organisation, exactly', async () => {
    for (const confirm of ['acme', 'Acme ', '']) {
      const refused = await acme.administrator.post('/v1/policies/deploy', {
        documents: globalDocument(DENY_DEEPSEEK),
        basedOn: 3,
        reason: 'Without confirming',
        confirm,
      });
      expect(refused.status).toBe(400);
      expect(refused.body.error.hint).toContain('Acme');
    }
  });

  it('a mistake in a document is named with line and column, and nothing changes', async () => {
    const source = DENY_DEEPSEEK.replace('effect: deny', 'effect: forbid');
    const refused = await acme.administrator.post('/v1/policies/deploy', {
      documents: globalDocument(source),
      basedOn: 3,
      reason: 'With a mistake',
      confirm: 'Acme',
    });
    expect(refused.status).toBe(422);
    expect(refused.body.error.code).toBe('policy/schema');
    expect(refused.body.error.details.issues[0]).toMatchObject({ layer: 'global', line: 7, column: 15 });
    const checked = await acme.administrator.post('/v1/policies/check', {
      documents: globalDocument(source),
    });
    expect(checked.body).toMatchObject({ ok: false, issues: [{ line: 7, column: 15 }] });
    const running = await acme.administrator.get('/v1/policies/running');
    expect(running.body.revision).toBe(3);
  });

  it('rolls back to an old revision as a new one', async () => {
    const back = await acme.administrator.post('/v1/policies/rollback', {
      revision: 1,
      reason: 'It blocked too much',
      confirm: 'Acme',
    });
    expect(back.status).toBe(201);
    const running = await acme.administrator.get('/v1/policies/running');
    expect(running.body).toMatchObject({ revision: 4, rolledBackTo: 1 });
    const first = await acme.administrator.get('/v1/policies/revisions/1');
    expect(running.body.documents).toEqual(first.body.documents);
  });

  it('refuses a set without a global document, with two, or for a team that is not ours', async () => {
    const source = DENY_DEEPSEEK;
    const sets = [
      [],
      [...globalDocument(source), ...globalDocument(source)],
      [...globalDocument(source), { layer: 'team', team: '00000000-0000-4000-8000-000000000001', source }],
      [...globalDocument(source), { layer: 'team', source }],
    ];
    for (const documents of sets) {
      const refused = await acme.administrator.post('/v1/policies/deploy', {
        documents,
        basedOn: 4,
        reason: 'A wrong set',
        confirm: 'Acme',
      });
      expect(refused.status, JSON.stringify(documents)).toBe(400);
    }
  });

  it('what is too large, not JSON, or has unknown fields is refused in the one form of errors', async () => {
    const { administrator } = acme;
    const large = await administrator.post('/v1/policies/check', {
      documents: globalDocument('x'.repeat(2_200_000)),
    });
    expect([large.status, large.body.error.code]).toEqual([413, 'request/too-large']);
    const broken = await administrator.post('/v1/policies/check', '{"documents": [');
    expect([broken.status, broken.body.error.code]).toEqual([400, 'request/invalid']);
    const unknown = await administrator.post('/v1/policies/check', { documents: [], force: true });
    expect([unknown.status, unknown.body.error.code]).toEqual([400, 'request/invalid']);
    expect(unknown.body.error.details.issues).toHaveLength(1);
  });
});
