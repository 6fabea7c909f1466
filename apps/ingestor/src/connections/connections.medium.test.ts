import { randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { LiveConnection, LiveConnections, type Pace } from '@raypher/shared';
import type { ConnectionsBatch, ConnectionView, Role, WatchConnections } from '@raypher/shared/rest';
import pg from 'pg';
import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM } from '../audit/audit.repository.ts';
import { createApp } from '../http/create-app.ts';
import { DeviceDirectory } from '../link/device-directory.service.ts';
import { NUDGE_CHANNEL, type Nudge } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { FoundingService } from '../tenancy/founding.service.ts';
import { MembersService } from '../tenancy/members.service.ts';
import { Installation } from '../testing/installation.ts';
import { TestClient } from '../testing/test-client.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { TestStream } from '../testing/test-stream.ts';

interface Tenant {
  organisation: string;
  administrator: TestClient;
  device: TestDevice;
}

type ConnectionsNudge = Extract<Nudge, { topic: 'connections' }>;

let installation: Installation;
/** A second process of the api role: what one is told by a browser, the other is not. */
let second: NestExpressApplication;
let admin: pg.Client;
let acme: Tenant;
let globex: Tenant;
let sockets: Socket[] = [];
let streams: TestStream[] = [];

beforeAll(async () => {
  installation = await Installation.start();
  second = await createApp(installation.configOf('api', { RAYPHER_TLS_PORT: '0' }));
  await second.listen(0, '127.0.0.1');
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
  acme = await found('Acme');
  globex = await found('Globex');
}, 60_000);
afterEach(() => {
  for (const socket of sockets) socket.disconnect();
  for (const stream of streams) stream.close();
  sockets = [];
  streams = [];
});
afterAll(async () => {
  acme?.device.close();
  globex?.device.close();
  await admin?.end();
  await second?.close();
  await installation?.stop();
});

async function found(name: string): Promise<Tenant> {
  const email = `${name.toLowerCase()}@example.test`;
  const password = randomBytes(12).toString('base64url');
  const { organisation } = await installation.api
    .get(FoundingService, { strict: false })
    .ensure({ organisation: name, email, password });
  const token = await installation.createToken({ organisationId: organisation });
  return {
    organisation,
    administrator: await signIn(email, password),
    device: await installation.enrolDevice(token),
  };
}

async function signIn(email: string, password: string): Promise<TestClient> {
  const address = `10.${randomBytes(3).join('.')}`;
  const visitor = new TestClient(urlOf(installation.api), {
    origin: 'http://localhost:3000',
    'x-forwarded-for': address,
  });
  const answer = await visitor.post('/api/auth/sign-in/email', { email, password });
  const cookies = answer.headers.getSetCookie().map((one) => one.split(';', 1)[0]);
  return visitor.with({ cookie: cookies.join('; ') });
}

async function member(role: Role, teamId: string | null = null): Promise<TestClient> {
  const email = `${randomUUID()}@example.test`;
  const { password } = await installation.api
    .get(MembersService, { strict: false })
    .create(acme.organisation, SYSTEM, { name: `A ${role}`, email, role, teamId });
  return signIn(email, password);
}

function urlOf(app: NestExpressApplication): string {
  // It listens on TCP, so its address is an AddressInfo.
  return `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
}

/** What a browser that watches is shown, put together as a page does. */
class Viewer {
  readonly rows = new Map<string, ConnectionView>();
  readonly ended: string[] = [];
  readonly batches: ConnectionsBatch[] = [];
  total = 0;

  constructor(readonly socket: Socket) {
    socket.on('connections', (batch: ConnectionsBatch) => {
      this.batches.push(batch);
      if (batch.snapshot) this.rows.clear();
      for (const one of batch.open) this.rows.set(`${one.deviceId}:${one.id}`, one);
      for (const key of [...batch.closed, ...batch.gone]) this.rows.delete(key);
      this.ended.push(...batch.closed);
      this.total = batch.total;
    });
  }

  get ids(): string[] {
    return [...this.rows.values()].map(({ id }) => id);
  }
}

async function watch(
  client: TestClient,
  request: WatchConnections = {},
  app = installation.api,
): Promise<Viewer> {
  const socket = io(`${urlOf(app)}/live`, {
    transports: ['websocket'],
    extraHeaders: client.headers,
    reconnection: false,
    forceNew: true,
  });
  sockets.push(socket);
  await new Promise((resolve) => socket.once('connect', () => resolve(undefined)));
  const viewer = new Viewer(socket);
  socket.emit('watchConnections', request);
  return viewer;
}

async function open({ device }: Tenant): Promise<TestStream> {
  const stream = await device.open(installation.linkPort);
  streams.push(stream);
  return stream;
}

/** What the device is asked for next that is about connections. */
async function asked(stream: TestStream, isWanted: (pace: Pace) => boolean): Promise<Pace> {
  for (;;) {
    const pace = await stream.next('pace');
    if (isWanted(pace)) return pace;
  }
}

const isWatched = (pace: Pace) => pace.connectionsEveryMs > 0;

function connection(change: Partial<LiveConnection> = {}): LiveConnection {
  return LiveConnection.fromPartial({
    id: randomUUID(),
    openedAtMs: BigInt(Date.now()),
    kind: 'request',
    agentId: 'ab'.repeat(32),
    agentName: 'bot',
    user: 'dev',
    host: 'api.openai.com',
    port: 443,
    method: 'POST',
    path: '/v1/chat/completions',
    provider: 'openai',
    outcome: 'ALLOW',
    asked: 'a question',
    answered: 'an answer',
    ...change,
  });
}

function tell(stream: TestStream, change: Partial<LiveConnections>): void {
  stream.send({ $case: 'connections', value: LiveConnections.fromPartial({ total: 1, ...change }) });
}

async function nudges(): Promise<ConnectionsNudge[]> {
  const heard: ConnectionsNudge[] = [];
  const listener = installation.api.get(RedisConnections).connect('test');
  listener.on('message', (_channel, text) => {
    const nudge = JSON.parse(text);
    if (nudge.topic === 'connections') heard.push(nudge);
  });
  await listener.subscribe(NUDGE_CHANNEL);
  return heard;
}

describe('live connections', () => {
  let stream: TestStream;
  beforeEach(async () => {
    stream = await open(acme);
  });

  it('are asked for when somebody watches, and go from the device to the browser and away', async () => {
    const one = connection();
    // Nobody asked: nobody hears.
    tell(stream, { snapshot: true, open: [one] });
    const viewer = await watch(acme.administrator);
    expect((await asked(stream, isWatched)).connectionsEveryMs).toBe(250);
    expect(viewer.ids).toEqual([]);
    tell(stream, { snapshot: true, open: [one], total: 3 });
    await expect.poll(() => viewer.ids).toEqual([one.id]);
    expect(viewer.total).toBe(3);
    expect([...viewer.rows.values()]).toMatchObject([
      {
        deviceId: acme.device.id,
        hostname: 'test-laptop',
        agent: { name: 'bot' },
        asked: 'a question',
        costMicros: null,
      },
    ]);
    tell(stream, { open: [{ ...one, costMicros: 12n, costEstimated: true }] });
    await expect.poll(() => [...viewer.rows.values()][0]?.costMicros).toBe(12);
    tell(stream, { closed: [one.id], total: 0 });
    await expect.poll(() => viewer.ended).toEqual([`${acme.device.id}:${one.id}`]);
    expect(viewer.rows.size).toBe(0);
  });

  it('come in batches of a quarter of a second, however fast they change', async () => {
    const viewer = await watch(acme.administrator);
    await asked(stream, isWatched);
    const one = connection();
    tell(stream, { snapshot: true, open: [one] });
    await expect.poll(() => viewer.ids).toEqual([one.id]);
    const before = viewer.batches.length;
    const startedAt = performance.now();
    for (let index = 1; index <= 15; index += 1) {
      tell(stream, { open: [{ ...one, bytesReceived: BigInt(index) }] });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await expect.poll(() => [...viewer.rows.values()][0]?.bytesReceived).toBe(15);
    const most = Math.ceil((performance.now() - startedAt) / 250) + 1;
    expect(viewer.batches.length - before).toBeLessThanOrEqual(most);
  });

  it('of another organisation are never shown, whatever a browser or a device names', async () => {
    const theirs = await open(globex);
    const spy = await watch(globex.administrator, { deviceId: acme.device.id });
    const viewer = await watch(acme.administrator);
    await asked(stream, isWatched);
    const stranger = await watch(globex.administrator);
    await asked(theirs, isWatched);
    const mine = connection({ asked: 'of Acme' });
    tell(stream, { snapshot: true, open: [mine] });
    await expect.poll(() => viewer.ids).toEqual([mine.id]);
    // Globex's device names Acme's connection: as its own, and as ended.
    tell(theirs, { snapshot: true, open: [{ ...mine, asked: 'of Globex' }] });
    tell(theirs, { closed: [mine.id], total: 0 });
    await expect.poll(() => stranger.ended).toEqual([`${globex.device.id}:${mine.id}`]);
    expect([...viewer.rows.values()]).toMatchObject([{ asked: 'of Acme', deviceId: acme.device.id }]);
    expect(JSON.stringify([spy.batches, stranger.batches])).not.toContain('of Acme');
    expect(spy.batches.every(({ open, total }) => open.length === 0 && total === 0)).toBe(true);
  });

  it('show an auditor no word of what is said, a developer nothing, a manager the own team alone', async () => {
    const { rows: teams } = await admin.query<{ id: string }>(
      `INSERT INTO teams (organisation_id, name) VALUES ($1, 'Blue'), ($1, 'Red') RETURNING id`,
      [acme.organisation],
    );
    const [blue, red] = teams.map(({ id }) => id);
    await admin.query('UPDATE devices SET team_id = $1 WHERE id = $2', [blue, acme.device.id]);
    installation.link.get(DeviceDirectory).forget(acme.device.id);
    stream = await open(acme);
    const auditor = await watch(await member('auditor'));
    await asked(stream, isWatched);
    const developer = await watch(await member('developer'));
    const [ours, theirs, none] = await Promise.all(
      [blue, red, null].map(async (team) => watch(await member('manager', team ?? null))),
    );
    const one = connection();
    tell(stream, { snapshot: true, open: [one] });
    await expect.poll(() => [auditor.ids, ours?.ids]).toEqual([[one.id], [one.id]]);
    expect([...auditor.rows.values()]).toMatchObject([{ asked: null, answered: null }]);
    expect([...(ours?.rows.values() ?? [])]).toMatchObject([{ asked: 'a question', answered: 'an answer' }]);
    expect(developer.batches).toEqual([]);
    expect([theirs?.ids, none?.ids, theirs?.total, none?.total]).toEqual([[], [], 0, 0]);
    const cut = (client: TestClient) =>
      client.post(`/v1/devices/${acme.device.id}/connections/${one.id}/cut`, { reason: 'Runaway' });
    const refused = await cut(await member('manager', red ?? null));
    expect([refused.status, refused.body.error.code]).toEqual([403, 'auth/forbidden']);
    expect((await cut(await member('auditor'))).status).toBe(403);
    expect((await cut(globex.administrator)).status).toBe(404);
    expect((await cut(await member('manager', blue ?? null))).status).toBe(201);
    await admin.query('UPDATE devices SET team_id = NULL WHERE id = $1', [acme.device.id]);
    installation.link.get(DeviceDirectory).forget(acme.device.id);
  });

  it('that a device has no business to tell are dropped, and disguises taken out of the others', async () => {
    const viewer = await watch(acme.administrator);
    await asked(stream, isWatched);
    const good = connection({
      agentName: 'bot\u202eevil\u0000',
      openedAtMs: 2n ** 62n,
      asked: 'x'.repeat(900),
    });
    const strange = [
      connection({ id: 'not-an-id' }),
      connection({ kind: 'spell' }),
      connection({ outcome: 'MAYBE' }),
    ];
    tell(stream, { snapshot: true, open: [...strange, good], closed: ['x', '../..'] });
    await expect.poll(() => viewer.ids).toEqual([good.id]);
    const [row] = viewer.rows.values();
    expect(row?.agent?.name).toBe('bot\ufffdevil\ufffd');
    expect(row?.asked).toHaveLength(240);
    expect(Date.parse(row?.openedAt ?? '')).toBeLessThanOrEqual(Date.now());
  });

  it('are watched through several processes: each browser sees all, and a second one asks for a snapshot', async () => {
    const first = await watch(acme.administrator);
    await asked(stream, isWatched);
    const one = connection();
    tell(stream, { snapshot: true, open: [one] });
    await expect.poll(() => first.ids).toEqual([one.id]);
    const other = await watch(acme.administrator, {}, second);
    await asked(stream, isWatched);
    tell(stream, { snapshot: true, open: [one] });
    await expect.poll(() => other.ids).toEqual([one.id]);
    // On the same process it is known already.
    const heard = await nudges();
    const third = await watch(acme.administrator, { deviceId: acme.device.id });
    await expect.poll(() => third.ids).toEqual([one.id]);
    const fresh = heard.filter((nudge) => nudge.organisation === acme.organisation && nudge.fresh);
    expect(fresh).toEqual([]);
  });

  it('stop by themselves when nobody says any more that they watch; a new stream begins meanwhile', async () => {
    // Of an organisation that no other test watched a moment ago.
    const initech = await found('Initech');
    const first = await open(initech);
    const nudge = { topic: 'connections', organisation: initech.organisation, team: null, device: null };
    const sayWatched = (forMs: number, fresh: boolean) =>
      installation.api
        .get(RedisConnections)
        .publish(NUDGE_CHANNEL, { ...nudge, until: Date.now() + forMs, fresh });
    sayWatched(30_000, true);
    await asked(first, isWatched);
    const again = await open(initech);
    await asked(again, isWatched);
    // The last word of whoever watches counts.
    sayWatched(1_000, false);
    await asked(again, ({ connectionsEveryMs }) => connectionsEveryMs === 0);
    initech.device.close();
  });

  it('are asked for every few seconds, for a short time, and not after the last browser is gone', async () => {
    const heard = await nudges();
    const of = ({ organisation }: Tenant) => heard.filter((nudge) => nudge.organisation === organisation);
    const viewer = await watch(acme.administrator);
    await watch(globex.administrator);
    // Somebody else may have asked a moment ago: then it comes with the next turn.
    const turns = async (tenant: Tenant, count: number) =>
      expect.poll(() => of(tenant).length).toBeGreaterThanOrEqual(count);
    await turns(acme, 1);
    await turns(globex, 1);
    for (const { until } of [...of(acme), ...of(globex)])
      expect(until - Date.now()).toBeLessThanOrEqual(15_000);
    // Its tab is gone, without a word.
    const gone = new Promise((resolve) => viewer.socket.once('disconnect', resolve));
    viewer.socket.io.engine.close();
    await gone;
    // The same turn asks for both; one that came before the other end saw the tab go asks for it once more.
    const askedInTurn = async () => {
      const before = of(acme).length;
      await turns(globex, of(globex).length + 1);
      return of(acme).length - before;
    };
    await expect.poll(askedInTurn).toBe(0);
  }, 60_000);

  it('are cut by a signed command, with a reason, and the audit says by whom', async () => {
    const id = randomUUID();
    const path = `/v1/devices/${acme.device.id}/connections/${id}/cut`;
    expect((await acme.administrator.post(path, {})).status).toBe(400);
    const answer = await acme.administrator.post(path, { reason: 'Runaway loop' });
    expect(answer.body).toMatchObject({ verb: 'cut-connection', reason: 'Runaway loop', ok: null });
    let command = await stream.next('command');
    while (command.id !== answer.body.id) command = await stream.next('command');
    const payload = JSON.parse(command.bundle?.payload.toString() ?? '');
    expect(payload).toMatchObject({
      verb: 'cut-connection',
      device: acme.device.id,
      arguments: { connection: id, by: 'acme@example.test' },
    });
    stream.send({
      $case: 'commandResult',
      value: {
        commandId: command.id,
        ok: false,
        code: 'connection/unknown',
        detail: 'This connection is not open any more.',
        resultJson: '',
      },
    });
    const results = async () => {
      const { body } = await acme.administrator.get(`/v1/devices/${acme.device.id}/commands`);
      return body.items.find((item: { id: string }) => item.id === command.id)?.code;
    };
    await expect.poll(results).toBe('connection/unknown');
    const { body: audit } = await acme.administrator.get('/v1/audit?limit=5');
    expect(audit.items).toContainEqual(
      expect.objectContaining({
        action: 'command.cut-connection',
        reason: 'Runaway loop',
        after: expect.objectContaining({ arguments: { connection: id } }),
      }),
    );
  });
});
