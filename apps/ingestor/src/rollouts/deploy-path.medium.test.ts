import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Phase, StateKind } from '@raypher/shared';
import type { Rollout } from '@raypher/shared/rest';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FoundingService } from '../tenancy/founding.service.ts';
import { Installation } from '../testing/installation.ts';
import { quickest } from '../testing/quickest.ts';
import { TestClient } from '../testing/test-client.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { TestStream } from '../testing/test-stream.ts';

const DEVICES = 30;

let installation: Installation;
let administrator: TestClient;
let browser: Socket;
let devices: TestDevice[];
let streams: TestStream[];
/** What the browser has heard of rollouts, in order. */
const rollouts: Rollout[] = [];

beforeAll(async () => {
  installation = await Installation.start();
  const email = 'ciso@example.test';
  const password = randomBytes(12).toString('base64url');
  const { organisation } = await installation.api
    .get(FoundingService, { strict: false })
    .ensure({ organisation: 'Acme', email, password });
  // It listens on TCP, so its address is an AddressInfo.
  const { port } = installation.api.getHttpServer().address() as AddressInfo;
  const visitor = new TestClient(`http://127.0.0.1:${port}`, { origin: 'http://localhost:3000' });
  const signedIn = await visitor.post('/api/auth/sign-in/email', { email, password });
  const cookie = signedIn.headers
    .getSetCookie()
    .map((one) => one.split(';', 1)[0])
    .join('; ');
  administrator = visitor.with({ cookie });
  browser = io(`${administrator.url}/live`, {
    transports: ['websocket'],
    extraHeaders: administrator.headers,
  });
  browser.on('rollout', (rollout: Rollout) => rollouts.push(rollout));
  await new Promise((resolve) => browser.once('connect', () => resolve(undefined)));
  const token = await installation.createToken({ organisationId: organisation });
  // A few at a time: on a busy machine the last of thirty would wait too long for a connection to the database.
  devices = [];
  while (devices.length < DEVICES) {
    devices.push(...(await Promise.all(Array.from({ length: 5 }, () => installation.enrolDevice(token)))));
  }
  streams = await Promise.all(devices.map((device) => device.open(installation.linkPort)));
  for (const stream of streams) await answerNext(stream, 'policy', Phase.PHASE_APPLIED);
}, 60_000);

afterAll(async () => {
  browser?.disconnect();
  for (const device of devices ?? []) device.close();
  await installation?.stop();
});

/** The device's side of one revision: takes it and says how it went. */
async function answerNext(
  stream: TestStream,
  kind: 'policy' | 'freeze',
  phase: Phase,
  affected = 0,
): Promise<number> {
  for (;;) {
    const desired = await stream.next('desired');
    const slot = desired[kind];
    if (slot === undefined) continue;
    stream.send({
      $case: 'ack',
      value: {
        kind: kind === 'policy' ? StateKind.STATE_KIND_POLICY : StateKind.STATE_KIND_FREEZE,
        revision: slot.revision,
        digest: slot.digest,
        phase,
        code: phase === Phase.PHASE_REJECTED ? 'bundle/not-enforced' : '',
        detail: phase === Phase.PHASE_REJECTED ? 'the enforcer did not come up' : '',
        affected,
      },
    });
    return Number(slot.revision);
  }
}

/** The first state of a rollout, as the browser hears of it, that is as wanted; it may have come already. */
function heard(id: string, isWanted: (rollout: Rollout) => boolean): Promise<Rollout> {
  const known = rollouts.find((rollout) => rollout.id === id && isWanted(rollout));
  if (known !== undefined) return Promise.resolve(known);
  return new Promise((resolve) => {
    browser.on('rollout', (rollout: Rollout) => {
      if (rollout.id === id && isWanted(rollout)) resolve(rollout);
    });
  });
}

async function deploy() {
  const running = await administrator.get('/v1/policies/running');
  const deployed = await administrator.post('/v1/policies/deploy', {
    documents: running.body.documents,
    basedOn: running.body.revision,
    reason: 'From click to applied',
    confirm: 'Acme',
  });
  expect(deployed.status).toBe(201);
  return deployed.body;
}

describe('from the click to the device and back', () => {
  it('a deploy reaches every connected device, and the browser sees it settle within two seconds', async () => {
    let revision = 0;
    const settling = async () => {
      const start = performance.now();
      const answers = streams.map((stream) => answerNext(stream, 'policy', Phase.PHASE_APPLIED));
      const deployed = await deploy();
      revision = deployed.revision;
      const settled = heard(deployed.id, ({ counts }) => counts.applied === DEVICES);
      expect(await Promise.all(answers)).toEqual(Array(DEVICES).fill(revision));
      const rollout = await settled;
      const tookMs = performance.now() - start;
      expect(rollout).toMatchObject({
        devices: DEVICES,
        counts: { pending: 0, unreachable: 0, rejected: 0 },
        settledAfterMs: expect.any(Number),
      });
      return Math.max(tookMs, rollout.settledAfterMs ?? 0);
    };
    expect(await quickest(2_000, settling)).toBeLessThan(2_000);
    await expect
      .poll(async () => (await administrator.get('/v1/overview')).body)
      .toMatchObject({ policy: { revision, appliedBy: DEVICES }, devices: { connected: DEVICES } });
  });

  it('a freeze counts what it suspended', async () => {
    const answers = streams.map((stream) => answerNext(stream, 'freeze', Phase.PHASE_APPLIED, 2));
    const frozen = await administrator.post('/v1/freezes', {
      selector: { kind: 'all' },
      reason: 'Everything stops',
      confirm: 'Acme',
    });
    const settled = heard(frozen.body.rollout.id, ({ counts }) => counts.applied === DEVICES);
    await Promise.all(answers);
    expect(await settled).toMatchObject({ kind: 'freeze', affected: 2 * DEVICES });
  });

  it('says which devices refused and why, and which are out of reach', async () => {
    const [refusing, leaving, ...obeying] = streams;
    const [refuser, leaver] = devices;
    if (refusing === undefined || leaving === undefined || refuser === undefined || leaver === undefined) {
      throw new Error('there are enough devices');
    }
    leaving.call.cancel();
    await expect
      .poll(async () => (await administrator.get('/v1/devices?state=disconnected')).body.total)
      .toBe(1);
    const answers = [
      answerNext(refusing, 'policy', Phase.PHASE_REJECTED),
      ...obeying.map((stream) => answerNext(stream, 'policy', Phase.PHASE_APPLIED)),
    ];
    const { id } = await deploy();
    const settled = heard(id, ({ counts }) => counts.applied === DEVICES - 2 && counts.rejected === 1);
    await Promise.all(answers);
    expect((await settled).counts).toMatchObject({ unreachable: 1, pending: 0 });
    const refused = await administrator.get(`/v1/rollouts/${id}/devices?phase=rejected`);
    expect(refused.body.items).toMatchObject([
      { deviceId: refuser.id, code: 'bundle/not-enforced', detail: 'the enforcer did not come up' },
    ]);
    const unreachable = await administrator.get(`/v1/rollouts/${id}/devices?phase=unreachable`);
    expect(unreachable.body.items).toMatchObject([{ deviceId: leaver.id, afterMs: null }]);
  });

  it('a revoked device is off its stream within a second', async () => {
    let next = 5;
    const revoking = async () => {
      const [device, stream] = [devices[next], streams[next]];
      next += 1;
      if (device === undefined || stream === undefined) throw new Error('there are enough devices');
      const start = performance.now();
      await administrator.post(`/v1/devices/${device.id}/revoke`, { reason: 'Stolen' });
      expect((await stream.ended).code).toBe('device/revoked');
      return performance.now() - start;
    };
    expect(await quickest(1_000, revoking)).toBeLessThan(1_000);
  });
});
