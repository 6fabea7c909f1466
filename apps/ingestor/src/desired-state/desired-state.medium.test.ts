import 'reflect-metadata';
import { createPublicKey, randomUUID, verify } from 'node:crypto';
import { Phase, StateKind } from '@raypher/shared';
import { type RedisServer, startRedis } from '@raypher/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SigningService } from '../keys/signing.service.ts';
import { NUDGE_CHANNEL, presenceKey, presenceSeenKey } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { Installation } from '../testing/installation.ts';
import { nudge, type Published, storeState } from '../testing/publish-state.ts';
import { quickest } from '../testing/quickest.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { TestStream } from '../testing/test-stream.ts';
import { SweepService } from './sweep.service.ts';

let redis: RedisServer;
let installation: Installation;
let admin: pg.Client;
let devices: TestDevice[] = [];
let revision = 0;

beforeAll(async () => {
  redis = await startRedis();
  // Sweeps are called by the tests that want one.
  const linkEnvironment = { RAYPHER_LINK_SWEEP_SECONDS: '600' };
  installation = await Installation.start({ redisUrl: redis.url, linkEnvironment });
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
});

afterEach(() => {
  for (const device of devices) device.close();
  devices = [];
});

afterAll(async () => {
  await admin?.end();
  await installation?.stop();
  await redis?.stop();
});

async function enrol(token?: string): Promise<TestDevice> {
  const device = await installation.enrolDevice(token);
  devices.push(device);
  return device;
}

function acknowledge(
  stream: TestStream,
  published: Published,
  phase: Phase,
  digest = published.digest,
): void {
  stream.send({
    $case: 'ack',
    value: {
      kind: StateKind.STATE_KIND_POLICY,
      revision: BigInt(published.revision),
      digest,
      phase,
      code: phase === Phase.PHASE_REJECTED ? 'bundle/expired' : '',
      detail: '',
      affected: 0,
    },
  });
}

async function phaseOf(device: TestDevice, published: Published): Promise<string | undefined> {
  const { rows } = await admin.query<{ phase: string }>(
    'SELECT phase FROM rollout_devices WHERE device_id = $1 AND rollout_id = $2',
    [device.id, published.rolloutId],
  );
  return rows[0]?.phase;
}

describe('desired state', () => {
  it('is sent after Hello, signed by the key that enrolment told the device', async () => {
    const published = await storeState(installation, 'policy', ++revision);
    await installation.link.get(SweepService).run();
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const { policy } = await stream.next('desired');
    expect(policy?.digest).toEqual(published.digest);
    const [known] = device.answer.policyKeys;
    const publicKey = createPublicKey({
      key: {
        kty: 'OKP',
        crv: 'Ed25519',
        x: Buffer.from(known?.publicKey ?? '', 'base64').toString('base64url'),
      },
      format: 'jwk',
    });
    expect(policy?.bundle?.keyId).toBe(known?.keyId);
    const { payload = Buffer.alloc(0), signature = Buffer.alloc(0) } = policy?.bundle ?? {};
    expect(verify(null, payload, publicKey, signature)).toBe(true);
  });

  it('reaches a connected device at a nudge, and its phases are followed without going back', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const published = await storeState(installation, 'policy', ++revision);
    nudge(installation, 'policy', revision);
    let sent = await stream.next('desired');
    while (sent.policy?.revision !== BigInt(revision)) sent = await stream.next('desired');
    acknowledge(stream, published, Phase.PHASE_RECEIVED);
    await expect.poll(() => phaseOf(device, published)).toBe('received');
    acknowledge(stream, published, Phase.PHASE_APPLIED);
    await expect.poll(() => phaseOf(device, published)).toBe('applied');
    acknowledge(stream, published, Phase.PHASE_VERIFIED);
    acknowledge(stream, published, Phase.PHASE_REJECTED);
    await stream.send({ $case: 'events', value: device.batch(device.record(1), 1) });
    await stream.durable(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await phaseOf(device, published)).toBe('applied');
    const { rows } = await admin.query(
      'SELECT applied_policy_revision AS applied FROM devices WHERE id = $1',
      [device.id],
    );
    expect(rows[0].applied).toBe(String(revision));
  });

  it('does not count a device as applied that names another digest', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const published = await storeState(installation, 'policy', ++revision);
    nudge(installation, 'policy', revision);
    let sent = await stream.next('desired');
    while (sent.policy?.revision !== BigInt(revision)) sent = await stream.next('desired');
    acknowledge(stream, published, Phase.PHASE_APPLIED, Buffer.alloc(32, 9));
    acknowledge(stream, published, Phase.PHASE_VERIFIED);
    await expect.poll(() => phaseOf(device, published)).toBe('verified');
  });

  it('is the team’s own where the team has one', async () => {
    const team = randomUUID();
    const { organisationId } = installation;
    await admin.query('INSERT INTO teams (id, organisation_id, name) VALUES ($1, $2, $3)', [
      team,
      organisationId,
      'a team',
    ]);
    const [member, other] = [await enrol(), await enrol()];
    await admin.query('UPDATE devices SET team_id = $2 WHERE id = $1', [member.id, team]);
    revision += 1;
    const general = await storeState(installation, 'policy', revision);
    const special = await storeState(installation, 'policy', revision, team);
    await installation.link.get(SweepService).run();
    const [memberStream, otherStream] = [
      await member.open(installation.linkPort),
      await other.open(installation.linkPort),
    ];
    nudge(installation, 'policy', revision);
    const first = async (stream: TestStream) => {
      let sent = await stream.next('desired');
      while (sent.policy?.revision !== BigInt(revision)) sent = await stream.next('desired');
      return sent.policy.digest;
    };
    expect(await first(memberStream)).toEqual(special.digest);
    expect(await first(otherStream)).toEqual(general.digest);
    // Moved to another team while connected: the next sweep brings what is meant for it.
    await admin.query('UPDATE devices SET team_id = $2 WHERE id = $1', [other.id, team]);
    await installation.link.get(SweepService).run();
    expect(await first(otherStream)).toEqual(special.digest);
  });

  it('is noted as applied when a heartbeat says so, even if the acknowledgement got lost', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const published = await storeState(installation, 'policy', ++revision);
    nudge(installation, 'policy', revision);
    let sent = await stream.next('desired');
    while (sent.policy?.revision !== BigInt(revision)) sent = await stream.next('desired');
    stream.send({
      $case: 'heartbeat',
      value: {
        atMs: BigInt(Date.now()),
        queueDepth: 0n,
        applied: { policy: { revision: BigInt(revision), digest: published.digest }, freeze: undefined },
        posture: [],
        processes: 3,
        aiAgents: 1,
        frozenProcesses: 0,
        connections: 2,
        rssBytes: 1_000n,
        cpuShare: 0.5,
        logSeen: undefined,
      },
    });
    await expect.poll(() => phaseOf(device, published)).toBe('applied');
    const presence = async () =>
      JSON.parse(
        (await installation.link
          .get(RedisConnections)
          .commands.hget(presenceKey(device.organisationId), device.id)) ?? '{}',
      );
    await expect.poll(presence).toMatchObject({ connections: 2, processes: 3, aiAgents: 1, cpuShare: 0.5 });
  });

  it('reaches two hundred devices, all of which answer, in well under two seconds', {
    timeout: 90_000,
  }, async () => {
    const token = await installation.createToken();
    const streams: { device: TestDevice; stream: TestStream }[] = [];
    for (let start = 0; start < 200; start += 20) {
      streams.push(
        ...(await Promise.all(
          Array.from({ length: 20 }, async () => {
            const device = await enrol(token);
            return { device, stream: await device.open(installation.linkPort) };
          }),
        )),
      );
    }
    const reachAll = async () => {
      const published = await storeState(installation, 'policy', ++revision);
      const began = performance.now();
      nudge(installation, 'policy', revision);
      await Promise.all(
        streams.map(async ({ stream }) => {
          let sent = await stream.next('desired');
          while (sent.policy?.revision !== BigInt(revision)) sent = await stream.next('desired');
          acknowledge(stream, published, Phase.PHASE_RECEIVED);
          acknowledge(stream, published, Phase.PHASE_VERIFIED);
          acknowledge(stream, published, Phase.PHASE_APPLIED);
        }),
      );
      const applied = async () => {
        const { rows } = await admin.query<{ count: number }>(
          `SELECT count(*)::int AS count FROM rollout_devices WHERE rollout_id = $1 AND phase = 'applied'`,
          [published.rolloutId],
        );
        return rows[0]?.count;
      };
      await expect.poll(applied, { interval: 10 }).toBe(200);
      return performance.now() - began;
    };
    expect(await quickest(2_000, reachAll)).toBeLessThan(2_000);
  });
});

describe('commands', () => {
  it('wait for the device, are sent once per stream and finish with its result', async () => {
    const device = await enrol();
    const id = randomUUID();
    const { organisationId } = installation;
    const signed = await installation.api.get(SigningService).signBundle(organisationId, {
      kind: 'command',
      id,
      organisation: organisationId,
      device: device.id,
      verb: 'scan',
      arguments: {},
      reason: 'test',
      issuedAt: new Date().toISOString(),
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    });
    await admin.query(
      `INSERT INTO commands (id, organisation_id, device_id, verb, payload, signature, key_id, reason, created_by, expires_at)
       VALUES ($1, $2, $3, 'scan', $4, $5, $6, 'test', 'test', now() + interval '1 minute')`,
      [id, organisationId, device.id, signed.payload, signed.signature, signed.keyId],
    );
    const stream = await device.open(installation.linkPort);
    const command = await stream.next('command');
    expect(command.id).toBe(id);
    expect(command.bundle?.payload).toEqual(signed.payload);
    installation.api
      .get(RedisConnections)
      .publish(NUDGE_CHANNEL, { topic: 'command', organisation: organisationId, device: device.id, id });
    const other = await enrol();
    const stranger = await other.open(installation.linkPort);
    const result = {
      commandId: id,
      ok: true,
      code: '',
      detail: 'done',
      resultJson: '{"found":"a\\u0000b\\ud800"}',
    };
    stranger.send({ $case: 'commandResult', value: { ...result, ok: false } });
    stream.send({ $case: 'commandResult', value: result });
    stream.send({ $case: 'commandResult', value: { ...result, ok: false } });
    const read = async () =>
      (await admin.query('SELECT ok, detail, result FROM commands WHERE id = $1', [id])).rows[0];
    await expect.poll(read).toEqual({ ok: true, detail: 'done', result: { found: 'a\ufffdb\ufffd' } });
    expect(stream.received.filter((body) => body.$case === 'command')).toEqual([]);
  });
});

describe('an inventory', () => {
  const agent = (letter: string) => ({
    id: letter.repeat(64),
    name: `agent ${letter}\0`,
    user: 'dev',
    exePath: '/usr/bin/node',
    exeSha256: 'not a hash',
    entryScript: '/home/dev/agent.mjs',
    libraries: ['openai'],
    models: [],
    signatures: ['openai-sdk'],
    risk: 'high',
    evidence: ['cmdline'],
    processes: [
      {
        pid: 5,
        ppid: 1,
        startTime: 2n ** 60n,
        name: 'node',
        commandLine: 'node agent.mjs',
        rssBytes: 1n,
        cpuShare: 0,
        frozen: false,
      },
    ],
    frozen: false,
    firstSeenMs: 1_000n,
    lastSeenMs: BigInt(Date.now()),
    confidence: 'full',
  });

  it('replaces what was known: agents that are missing are gone', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const send = (...agents: ReturnType<typeof agent>[]) =>
      stream.send({ $case: 'inventory', value: { atMs: 0n, processes: 1, agents } });
    const read = async () =>
      (
        await admin.query(
          'SELECT id, name, state, exe_sha256, libraries FROM ai_agents WHERE device_id = $1 ORDER BY id',
          [device.id],
        )
      ).rows;
    send(agent('a'), agent('b'), { ...agent('c'), id: 'not an id' });
    const row = (letter: string, state: string) => ({
      id: letter.repeat(64),
      name: `agent ${letter}\ufffd`,
      state,
      exe_sha256: '',
      libraries: ['openai'],
    });
    await expect.poll(read).toEqual([row('a', 'running'), row('b', 'running')]);
    send({ ...agent('b'), frozen: true });
    await expect.poll(read).toEqual([row('a', 'gone'), row('b', 'frozen')]);
  });
});

describe('when Redis restarts', () => {
  it('presence is written anew, missed nudges are made up for, and nudges work again', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const commands = installation.link.get(RedisConnections).commands;
    const isPresent = () => commands.hexists(presenceKey(device.organisationId), device.id).catch(() => 0);
    await expect.poll(isPresent).toBe(1);
    redis.kill('SIGKILL');
    await redis.exited;
    const published = await storeState(installation, 'policy', ++revision);
    // Ingestion does not need Redis.
    stream.send({ $case: 'events', value: device.batch(device.record(1), 1) });
    await stream.durable(1);
    await redis.restart();
    await expect.poll(isPresent).toBe(1);
    let sent = await stream.next('desired');
    while (sent.policy?.revision !== BigInt(published.revision)) sent = await stream.next('desired');
    await storeState(installation, 'policy', ++revision);
    await expect
      .poll(async () => {
        nudge(installation, 'policy', revision);
        return stream.received.some(
          (body) => body.$case === 'desired' && body.value.policy?.revision === BigInt(revision),
        );
      })
      .toBe(true);
    stream.close();
    await expect.poll(() => commands.zscore(presenceSeenKey(device.organisationId), device.id)).toBeNull();
  });
});

describe('a link process that restarts', () => {
  it('sends everybody away with a time to come back', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    await installation.restartLink();
    const retry = await stream.next('retry');
    expect(retry.afterMs).toBeLessThanOrEqual(5_000);
    expect(await stream.ended).toMatchObject({ status: 14, code: 'link/overloaded' });
    await device.open(installation.linkPort);
  });
});
