import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';

let api: TestApi;
let acme: TestOrganisation;
let admin: pg.Client;
let teams: { red: string; blue: string };

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
  const [red, blue] = await Promise.all(
    ['Red', 'Blue'].map(async (name) => (await acme.administrator.post('/v1/teams', { name })).body.id),
  );
  teams = { red, blue };
});
afterAll(async () => {
  await admin.end();
  await api.stop();
});

/** The newest freeze bundles as devices get them: audience → ids of freezes in force. */
async function newestBundles(): Promise<{ revision: number; audiences: Map<string | null, string[]> }> {
  const { rows } = await admin.query<{ revision: string; team_id: string | null; payload: Buffer }>(
    `SELECT revision, team_id, payload FROM state_bundles WHERE kind = 'freeze' AND organisation_id = $1
      AND revision = (SELECT max(revision) FROM state_bundles WHERE kind = 'freeze' AND organisation_id = $1)`,
    [acme.id],
  );
  const audiences = new Map(
    rows.map((row) => [
      row.team_id,
      JSON.parse(row.payload.toString()).freezes.map((freeze: { id: string }) => freeze.id),
    ]),
  );
  return { revision: Number(rows[0]?.revision ?? 0), audiences };
}

describe('freezes', () => {
  it('everything is frozen only when the name of the organisation is repeated', async () => {
    const input = { selector: { kind: 'all' }, reason: 'Something is wrong' };
    const refused = await acme.administrator.post('/v1/freezes', { ...input, confirm: 'yes' });
    expect(refused.status).toBe(400);
    expect((await newestBundles()).revision).toBe(0);
    const frozen = await acme.administrator.post('/v1/freezes', { ...input, confirm: 'Acme' });
    expect(frozen.status).toBe(201);
    expect(frozen.body.freeze).toMatchObject({ describes: 'every AI agent', thawedAt: null });
    expect(frozen.body.freeze.rolloutId).toBe(frozen.body.rollout.id);
    expect(await newestBundles()).toEqual({
      revision: 1,
      audiences: new Map([[null, [frozen.body.freeze.id]]]),
    });
    const thawed = await acme.administrator.post(`/v1/freezes/${frozen.body.freeze.id}/thaw`, {
      reason: 'All clear',
    });
    expect(thawed.body.freeze).toMatchObject({ thawReason: 'All clear' });
    expect(await newestBundles()).toEqual({ revision: 2, audiences: new Map([[null, []]]) });
    const again = await acme.administrator.post(`/v1/freezes/${frozen.body.freeze.id}/thaw`, {
      reason: 'Once more',
    });
    expect(again.status).toBe(409);
  });

  it('a freeze of a team is sent to that team alone', async () => {
    const wide = await acme.administrator.post('/v1/freezes', {
      selector: { kind: 'library', name: 'langchain' },
      reason: 'A vulnerable library',
      confirm: '',
    });
    const narrow = await acme.administrator.post('/v1/freezes', {
      selector: { kind: 'team', team: teams.red },
      reason: 'Red is being looked at',
      confirm: '',
    });
    expect(narrow.body.freeze.describes).toBe('team Red');
    expect((await newestBundles()).audiences).toEqual(
      new Map([
        [null, [wide.body.freeze.id]],
        [teams.red, [wide.body.freeze.id, narrow.body.freeze.id]],
      ]),
    );
    const list = await acme.administrator.get('/v1/freezes?limit=2');
    expect(list.body.items.map(({ id }: { id: string }) => id)).toEqual([
      narrow.body.freeze.id,
      wide.body.freeze.id,
    ]);
    const rest = await acme.administrator.get(`/v1/freezes?limit=2&cursor=${list.body.next}`);
    expect(rest.body.items).toMatchObject([{ describes: 'every AI agent', thawReason: 'All clear' }]);
  });

  it('a manager freezes and thaws the own team, nothing else, and not what others ordered', async () => {
    const manager = await api.member(acme, 'manager', teams.blue);
    for (const selector of [
      { kind: 'all' },
      { kind: 'team', team: teams.red },
      { kind: 'library', name: 'langchain' },
      { kind: 'model', name: 'gpt-4o' },
      { kind: 'hash', sha256: 'a'.repeat(64) },
    ]) {
      const refused = await manager.post('/v1/freezes', {
        selector,
        reason: 'Not mine to freeze',
        confirm: 'Acme',
      });
      expect([refused.status, refused.body.error.code], JSON.stringify(selector)).toEqual([
        403,
        'auth/forbidden',
      ]);
    }
    const blue = { selector: { kind: 'team', team: teams.blue }, reason: 'My own team', confirm: '' };
    const own = await manager.post('/v1/freezes', blue);
    expect(own.status).toBe(201);
    expect((await manager.post(`/v1/freezes/${own.body.freeze.id}/thaw`, { reason: 'Done' })).status).toBe(
      200,
    );
    const ordered = await acme.administrator.post('/v1/freezes', { ...blue, reason: 'Ordered from above' });
    const refused = await manager.post(`/v1/freezes/${ordered.body.freeze.id}/thaw`, {
      reason: 'I disagree',
    });
    expect([refused.status, refused.body.error.code]).toEqual([403, 'auth/forbidden']);
    const teamless = await api.member(acme, 'manager');
    expect((await teamless.post('/v1/freezes', blue)).status).toBe(403);
  });

  it('leaves before and after in the audit', async () => {
    const audit = await acme.administrator.get('/v1/audit?limit=500');
    const thaw = audit.body.items.find((item: { reason: string }) => item.reason === 'All clear');
    expect(thaw).toMatchObject({
      action: 'freeze.thaw',
      before: { inForce: true },
      after: { inForce: false },
    });
  });

  it('a team that belongs to somebody else cannot be named', async () => {
    const globex = await api.found('Globex');
    const answer = await globex.administrator.post('/v1/freezes', {
      selector: { kind: 'team', team: teams.red },
      reason: 'Not our team',
      confirm: '',
    });
    expect(answer.status).toBe(400);
    const mine = await acme.administrator.get('/v1/freezes?limit=1');
    const crossed = await globex.administrator.post(`/v1/freezes/${mine.body.items[0].id}/thaw`, {
      reason: 'Not ours',
    });
    expect(crossed.status).toBe(404);
  });
});

describe('a device that changes teams while one of them is frozen', () => {
  it('makes a new revision, and the audit says that it did', async () => {
    const umbrella = await api.found('Umbrella');
    const { body: team } = await umbrella.administrator.post('/v1/teams', { name: 'Frozen' });
    await umbrella.administrator.post('/v1/freezes', {
      selector: { kind: 'team', team: team.id },
      reason: 'An incident',
      confirm: umbrella.name,
    });
    const device = randomUUID();
    await admin.query(
      `INSERT INTO devices (id, organisation_id, hostname, os, kernel, arch, agent_version, identity_class,
          key_fingerprint, machine_id)
        VALUES ($1, $2, 'moving', 'linux', '6.1', 'x64', '0.1.0', 'software', sha256($3::bytea), 'm')`,
      [device, umbrella.id, Buffer.from(device)],
    );
    const moved = await umbrella.administrator.patch(`/v1/devices/${device}`, {
      teamId: team.id,
      reason: 'Joins them',
    });
    expect(moved.status).toBe(200);
    const { body: rollouts } = await umbrella.administrator.get('/v1/rollouts');
    expect(rollouts.items[0]).toMatchObject({ kind: 'freeze', revision: 2 });
    const { body: audit } = await umbrella.administrator.get('/v1/audit');
    expect(audit.items.map(({ action }: { action: string }) => action)).toContain('freeze.reissue');
  });
});
