import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Phase, StateKind } from '@raypher/shared';
import type { PolicyStage } from '@raypher/shared/rest';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SweepService } from '../desired-state/sweep.service.ts';
import { StageWatch } from '../jobs/stage-watch.ts';
import { FoundingService } from '../tenancy/founding.service.ts';
import { Installation } from '../testing/installation.ts';
import { TestClient } from '../testing/test-client.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { TestStream } from '../testing/test-stream.ts';
import { isInStage } from './stage-membership.ts';

const DEVICES = 12;

let installation: Installation;
let admin: pg.Client;
let administrator: TestClient;
let organisationId: string;
let fleet: { device: TestDevice; stream: TestStream }[];

beforeAll(async () => {
  installation = await Installation.start({ linkEnvironment: { RAYPHER_LINK_SWEEP_SECONDS: '600' } });
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
  const email = 'ciso@example.test';
  const password = randomBytes(12).toString('base64url');
  const { organisation } = await installation.api
    .get(FoundingService, { strict: false })
    .ensure({ organisation: 'Acme', email, password });
  organisationId = organisation;
  // It listens on TCP, so its address is an AddressInfo.
  const { port } = installation.api.getHttpServer().address() as AddressInfo;
  const visitor = new TestClient(`http://127.0.0.1:${port}`, { origin: 'http://localhost:3000' });
  const signedIn = await visitor.post('/api/auth/sign-in/email', { email, password });
  const cookie = signedIn.headers
    .getSetCookie()
    .map((one) => one.split(';', 1)[0])
    .join('; ');
  administrator = visitor.with({ cookie });
  const token = await installation.createToken({ organisationId });
  fleet = await Promise.all(
    Array.from({ length: DEVICES }, async () => {
      const device = await installation.enrolDevice(token);
      return { device, stream: await device.open(installation.linkPort) };
    }),
  );
  for (const { stream } of fleet) await answer(stream, Phase.PHASE_APPLIED);
}, 60_000);

afterAll(async () => {
  for (const { device } of fleet ?? []) device.close();
  await admin?.end();
  await installation?.stop();
});

/** The device's side: takes the next policy it is sent, says how it went, and gives what it was. */
async function answer(stream: TestStream, phase: Phase): Promise<{ revision: number; documents: string }> {
  for (;;) {
    const { policy } = await stream.next('desired');
    if (policy === undefined) continue;
    const { revision, digest, bundle } = policy;
    stream.send({
      $case: 'ack',
      value: {
        kind: StateKind.STATE_KIND_POLICY,
        revision,
        digest,
        phase,
        code: phase === Phase.PHASE_REJECTED ? 'bundle/not-enforced' : '',
        detail: '',
        affected: 0,
      },
    });
    const { documents } = JSON.parse(bundle?.payload.toString('utf8') ?? '{}');
    return { revision: Number(revision), documents: documents[0].source };
  }
}

const policy = (host: string) => `apiVersion: raypher/v1
mode: enforce
network: { default: allow, rules: [{ id: ban, effect: deny, destinations: [${host}] }] }
`;

const running = async () => (await administrator.get('/v1/policies/running')).body;

async function deploy(host: string, stage?: unknown) {
  const { revision } = await running();
  return administrator.post('/v1/policies/deploy', {
    documents: [{ layer: 'global', source: policy(host) }],
    basedOn: revision,
    reason: 'In stages',
    confirm: 'Acme',
    ...(stage === undefined ? {} : { stage }),
  });
}

const namesTwo = () => ({
  selector: { kind: 'devices', devices: fleet.slice(0, 2).map(({ device }) => device.id) },
  haltAtPercent: 50,
});

/** Whatever a sweep would send has been sent, and nothing of it was a policy for these. */
async function expectNoPolicyFor(streams: readonly TestStream[]): Promise<void> {
  await installation.link.get(SweepService).run();
  for (const { received } of streams) {
    expect(received.filter((body) => body.$case === 'desired' && body.value.policy !== undefined)).toEqual(
      [],
    );
  }
}

const settled = (id: string, counts: Record<string, number>) =>
  expect.poll(async () => (await administrator.get(`/v1/rollouts/${id}`)).body.counts).toMatchObject(counts);

describe('a policy for some devices first', () => {
  it('reaches them alone; everybody else keeps the running revision, whatever a sweep finds', async () => {
    const before = await running();
    const staged = await deploy('staged.example', namesTwo());
    expect(staged.status).toBe(201);
    expect(staged.body).toMatchObject({
      devices: 2,
      title: `Policy revision ${before.revision + 1}, 2 devices first`,
    });
    const [first, second, ...others] = fleet.map(({ stream }) => stream);
    if (first === undefined || second === undefined) throw new Error('there are enough devices');
    for (const stream of [first, second]) {
      expect((await answer(stream, Phase.PHASE_APPLIED)).documents).toContain('staged.example');
    }
    await settled(staged.body.id, { applied: 2, pending: 0 });
    await expectNoPolicyFor(others);
    const now = await running();
    expect(now).toMatchObject({
      revision: before.revision,
      open: { rolloutId: staged.body.id, revision: { revision: before.revision + 1, running: false } },
    });
    await expect
      .poll(async () => (await administrator.get('/v1/overview')).body.policy)
      .toMatchObject({ revision: before.revision, appliedBy: DEVICES - 2 });
  });

  it('nothing else is deployed or applied meanwhile', async () => {
    const refused = await deploy('other.example');
    expect([refused.status, refused.body.error.code]).toEqual([409, 'policy/stage-open']);
    const applied = await administrator.request('PUT', '/v1/policies', {
      documents: [{ layer: 'global', source: policy('x.example') }],
      reason: 'From a repository',
      source: { repository: 'r', commit: 'abcdef1' },
      confirm: 'Acme',
    });
    expect(applied.body.error.code).toBe('policy/stage-open');
  });

  it('a device outside that comes back gets what everybody else runs', async () => {
    const last = fleet.at(-1);
    if (last === undefined) throw new Error('there are enough devices');
    last.stream.call.cancel();
    await last.stream.ended;
    last.stream = await last.device.open(installation.linkPort);
    const { revision } = await running();
    expect(await answer(last.stream, Phase.PHASE_APPLIED)).toMatchObject({ revision });
  });

  it('is issued again for both when audiences change, each with its own content and a higher revision', async () => {
    const before = await running();
    const prices = await administrator.request('PUT', '/v1/prices', {
      prices: { version: 1, models: [] },
      confirm: 'Acme',
      reason: 'Audiences change',
    });
    expect(prices.status).toBe(200);
    const answers = await Promise.all(fleet.map(({ stream }) => answer(stream, Phase.PHASE_APPLIED)));
    const outside = answers.slice(2);
    for (const staged of answers.slice(0, 2)) {
      expect(staged.documents).toContain('staged.example');
      expect(staged.revision).toBeGreaterThan(before.open.revision.revision);
    }
    for (const one of outside) {
      expect(one.documents).not.toContain('staged.example');
      expect(one.revision).toBeGreaterThan(before.open.revision.revision);
    }
    expect((await running()).open.revision.documents).toEqual(before.open.revision.documents);
  });

  it('is promoted to everybody as a new revision, after typing the name', async () => {
    const { open } = await running();
    const input = { revision: open.revision.revision, reason: 'It works' };
    const unconfirmed = await administrator.post('/v1/policies/stage/promote', { ...input, confirm: 'acme' });
    expect(unconfirmed.status).toBe(400);
    const promoted = await administrator.post('/v1/policies/stage/promote', { ...input, confirm: 'Acme' });
    expect(promoted.status).toBe(201);
    for (const { documents } of await Promise.all(
      fleet.map(({ stream }) => answer(stream, Phase.PHASE_APPLIED)),
    )) {
      expect(documents).toContain('staged.example');
    }
    await settled(promoted.body.id, { applied: DEVICES });
    expect(await running()).toMatchObject({ revision: promoted.body.revision, open: null });
    const twice = await administrator.post('/v1/policies/stage/promote', { ...input, confirm: 'Acme' });
    expect([twice.status, twice.body.error.code]).toEqual([409, 'policy/no-stage']);
  });

  it('is withdrawn: those who have it go back, and the audit says why', async () => {
    const before = await running();
    const staged = await deploy('withdrawn.example', namesTwo());
    for (const { stream } of fleet.slice(0, 2)) await answer(stream, Phase.PHASE_APPLIED);
    const withdrawn = await administrator.post('/v1/policies/stage/withdraw', {
      revision: staged.body.revision,
      reason: 'It broke the build',
    });
    expect(withdrawn.status).toBe(201);
    for (const { documents } of await Promise.all(
      fleet.map(({ stream }) => answer(stream, Phase.PHASE_APPLIED)),
    )) {
      expect(documents).toBe(before.documents[0].source);
    }
    expect(await running()).toMatchObject({ rolledBackTo: before.revision, open: null });
    const { body } = await administrator.get('/v1/audit');
    expect(body.items[0]).toMatchObject({ action: 'policy.withdraw', reason: 'It broke the build' });
  });

  it('is withdrawn by itself when too many of its devices refuse it, with an alert', async () => {
    const watch = installation.api.get(StageWatch, { strict: false });
    const before = await running();
    const staged = await deploy('refused.example', namesTwo());
    expect(await watch.run()).toBe(0);
    const [first] = fleet;
    if (first === undefined) throw new Error('there are enough devices');
    await answer(first.stream, Phase.PHASE_REJECTED);
    await settled(staged.body.id, { rejected: 1 });
    // The schedule may have been faster.
    await watch.run();
    await expect.poll(running).toMatchObject({
      open: null,
      rolledBackTo: before.revision,
      createdBy: 'Raypher',
      reason: `1 of 2 devices refused revision ${staged.body.revision}: withdrawn at 50 %.`,
    });
    const alerts = await administrator.get('/v1/alerts?state=open');
    expect(alerts.body.items[0]).toMatchObject({ kind: 'policy.stage-halted', severity: 'critical' });
    expect(await watch.run()).toBe(0);
  });

  it('refuses a stage without devices, of teams that are not ours, and of everybody', async () => {
    const nobody = '00000000-0000-4000-8000-000000000001';
    for (const selector of [
      { kind: 'devices', devices: [nobody] },
      { kind: 'teams', teams: [nobody] },
      { kind: 'percentage', percentage: 100 },
    ]) {
      expect((await deploy('nobody.example', { selector })).status, JSON.stringify(selector)).toBe(400);
    }
  });

  it('shares contain the smaller ones, and the database counts as the link does', async () => {
    for (const percentage of [1, 25, 50, 75, 99]) {
      const stage: PolicyStage = { selector: { kind: 'percentage', percentage }, haltAtPercent: 10 };
      const inside = fleet.filter(({ device }) => isInStage(stage, { deviceId: device.id, teamId: null }));
      const { body } = await administrator.post('/v1/blast-radius', { action: 'deploy', stage });
      expect(body.devices).toBe(inside.length);
      if (inside.length === 0) continue;
      const staged = await deploy(`share-${percentage}.example`, stage);
      expect(staged.body.devices, `${percentage} %`).toBe(inside.length);
      await administrator.post('/v1/policies/stage/withdraw', {
        revision: staged.body.revision,
        reason: 'Only counted',
      });
      const larger: PolicyStage = {
        ...stage,
        selector: { kind: 'percentage', percentage: Math.min(99, percentage + 20) },
      };
      for (const { device } of inside) {
        expect(isInStage(larger, { deviceId: device.id, teamId: null })).toBe(true);
      }
    }
  });
});
