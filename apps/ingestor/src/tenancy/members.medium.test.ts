import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';

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

  it('two administrators who disable each other at the same moment do not both succeed', async () => {
    const second = await api.member(acme, 'admin');
    const [{ body: me }, { body: other }] = await Promise.all([
      acme.administrator.get('/v1/me'),
      second.get('/v1/me'),
    ]);
    const answers = await Promise.all([
      acme.administrator.patch(`/v1/members/${other.id}`, { disabled: true, reason: 'A duel' }),
      second.patch(`/v1/members/${me.id}`, { disabled: true, reason: 'A duel' }),
    ]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const survivors = [acme.administrator, second];
    const still = await Promise.all(survivors.map(async (client) => (await client.get('/v1/me')).status));
    expect(still.filter((status) => status === 200)).toHaveLength(1);
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
    const { FoundingService } = await import('./founding.service.ts');
    const founding = api.app.get(FoundingService, { strict: false });
    const input = { organisation: 'Initech', email: 'boss@initech.test', password: 'a-long-enough-one' };
    const first = await founding.ensure(input);
    const second = await founding.ensure(input);
    expect([first.created, second.created, second.organisation]).toEqual([true, false, first.organisation]);
  });
});
