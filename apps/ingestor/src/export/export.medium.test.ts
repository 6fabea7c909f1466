import { createHmac, randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CuttingRelay } from '../testing/cutting-relay.ts';
import { ExportHarness } from './testing/export-harness.ts';
import { HecReceiver } from './testing/hec-receiver.ts';
import { HttpsReceiver } from './testing/https-receiver.ts';
import { clientIdentity, receiverIdentity } from './testing/receiver-identity.ts';
import { Relay } from './testing/relay.ts';
import { SyslogReceiver } from './testing/syslog-receiver.ts';

let harness: ExportHarness;
const cleanups: (() => Promise<void>)[] = [];
const token = randomBytes(16).toString('hex');

beforeAll(async () => {
  harness = await ExportHarness.start(async (connectionString) => {
    const admin = new pg.Client({ connectionString });
    await admin.connect();
    return admin;
  });
});
beforeEach(() => harness.anotherLog());
afterEach(async () => {
  await harness.stopExporters();
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await harness.admin.query('DELETE FROM export_destinations');
});
afterAll(() => harness.stop());

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

async function hec(options: { acks?: boolean; port?: number } = {}): Promise<HecReceiver> {
  const splunk = await HecReceiver.start(token, options);
  cleanups.push(() => splunk.receiver.stop());
  return splunk;
}

function toSplunk(splunk: HecReceiver, settings = {}): Promise<string> {
  const { receiver } = splunk;
  return harness.destination('splunk-hec', {
    address: receiver.url,
    secret: { token },
    ca: receiver.identity.ca,
    settings,
  });
}

/** Resolves once the cursor is there. */
async function reaches(id: string, next: number): Promise<void> {
  await expect.poll(async () => (await harness.cursor(id)).next).toBe(next);
}

describe('Splunk', () => {
  it('gets every entry once, in the order of the log, as OCSF with what Splunk files it under', async () => {
    const splunk = await hec();
    const id = await toSplunk(splunk, { index: 'ai', sourcetype: 'raypher:test' });
    await harness.log.append(700);
    await harness.log.appendControl('audit', {
      audit: 1,
      action: 'policy.deploy',
      actor: { kind: 'user', id: 'u1' },
    });
    await harness.log.append(3, { type: 'guard.denied', severity: 'warning' });
    harness.exporter().start();
    await reaches(id, 704);
    expect(splunk.sequences).toEqual(upTo(704));
    expect(new Set(splunk.events.map(({ event }) => event.metadata.uid)).size).toBe(704);
    expect(splunk.asked[0]?.headers).toMatchObject({ 'content-encoding': 'gzip' });
    expect(splunk.events[0]).toMatchObject({
      time: Date.UTC(2026, 10, 30, 20, 0, 0, 1) / 1_000,
      host: 'dev-1',
      index: 'ai',
      sourcetype: 'raypher:test',
      event: { class_uid: 4002, metadata: { version: '1.8.0', tenant_uid: harness.log.organisation } },
    });
    expect(splunk.events[700]?.event).toMatchObject({ class_uid: 3004, actor: { user: { uid: 'u1' } } });
    expect(JSON.stringify(splunk.asked)).not.toContain('private words');
    expect(await harness.cursor(id)).toMatchObject({ next: 704, sent: 704, failure: null });
  });

  it('sends nothing before it has its place, whatever was stored first', async () => {
    const splunk = await hec();
    const id = await toSplunk(splunk);
    const exporter = harness.exporter();
    const placeFirst = await harness.log.store(2);
    const placeSecond = await harness.log.store(2, { action: 'later' });
    exporter.start();
    // What was stored later gets the earlier place: the exporter must not have counted on the other order.
    await placeSecond();
    await reaches(id, 2);
    await placeFirst();
    await reaches(id, 4);
    expect(splunk.events.map(({ event }) => event)).toMatchObject([
      { metadata: { sequence: 0 }, unmapped: { action: 'later' } },
      { metadata: { sequence: 1 }, unmapped: { action: 'later' } },
      { metadata: { sequence: 2 }, unmapped: { action: 'call' } },
      { metadata: { sequence: 3 }, unmapped: { action: 'call' } },
    ]);
  });

  it('moves the cursor only after the indexers have it, where a channel is set', async () => {
    const splunk = await hec({ acks: true });
    splunk.isIndexing = false;
    const id = await toSplunk(splunk, { channel: '6d9f2f6e-0c53-4c1f-9f0a-1f3f6c0a0009' });
    await harness.log.append(5);
    harness.exporter().start();
    await expect.poll(async () => (await harness.cursor(id)).failure).toContain('has not indexed');
    expect((await harness.cursor(id)).next).toBe(0);
    splunk.isIndexing = true;
    await reaches(id, 5);
    // At least once: the first batch was taken, and nobody said so.
    expect(new Set(splunk.sequences)).toEqual(new Set(upTo(5)));
    expect(splunk.asked.some(({ path }) => path.includes('/ack?channel='))).toBe(true);
  });

  it('says what is wrong when a channel is set and Splunk acknowledges nothing', async () => {
    const splunk = await hec();
    const id = await toSplunk(splunk, { channel: '6d9f2f6e-0c53-4c1f-9f0a-1f3f6c0a0009' });
    await harness.log.append(1);
    harness.exporter().start();
    await expect
      .poll(async () => (await harness.cursor(id)).failure)
      .toContain('enable indexer acknowledgement');
  });
});

describe('a receiver in trouble', () => {
  it('is left alone as long as it asks for', async () => {
    const splunk = await hec();
    splunk.answers.push({ status: 429, headers: { 'retry-after': '2' }, body: 'slow down' });
    const id = await toSplunk(splunk);
    await harness.log.append(3);
    const from = performance.now();
    harness.exporter().start();
    await reaches(id, 3);
    expect(performance.now() - from).toBeGreaterThan(1_900);
    expect(splunk.sequences).toEqual([0, 1, 2]);
    expect(splunk.asked).toHaveLength(2);
  });

  it('that refuses for good stops its own destination, with an alert; nothing is skipped and nothing secret is told', async () => {
    const splunk = await hec();
    const other = await hec();
    const refusal = {
      status: 400,
      body: `{"text":"Incorrect index","code":7,"token":"${token}"}\u0000\n${'x'.repeat(2_000)}`,
    };
    // More than there are attempts, however long it takes to look at them.
    splunk.answers.push(...Array<typeof refusal>(5_000).fill(refusal));
    const id = await toSplunk(splunk);
    const healthy = await toSplunk(other);
    await harness.log.append(4);
    harness.exporter().start();
    await reaches(healthy, 4);
    await expect.poll(async () => (await harness.cursor(id)).failure).toContain('Incorrect index');
    const { failure, next } = await harness.cursor(id);
    expect(next).toBe(0);
    expect(failure).not.toContain(token);
    expect(failure?.length).toBeLessThan(520);
    expect(failure).toMatch(/^[^\p{Cc}]*$/u);
    const alerts = () =>
      harness.admin.query(
        `SELECT title, detail, resolved_at FROM alerts WHERE kind = 'export.failing' AND subject = $1`,
        [id],
      );
    await expect.poll(async () => (await alerts()).rows[0]?.detail).toMatchObject({ behind: 4 });
    expect(JSON.stringify((await alerts()).rows)).not.toContain(token);
    splunk.answers.splice(0);
    await reaches(id, 4);
    expect(splunk.sequences).toEqual(upTo(4));
    await expect.poll(async () => (await alerts()).rows[0]?.resolved_at).toBeInstanceOf(Date);
    expect((await alerts()).rows).toHaveLength(1);
  });

  it('that was away catches up in order, one bounded batch after the other, and only its own destination waits', async () => {
    const identity = await receiverIdentity();
    // Nobody is at the other end.
    const way = await CuttingRelay.start(1);
    cleanups.push(() => way.stop());
    const id = await harness.destination('webhook', {
      secret: { url: `https://siem.example:${way.port}/events`, signingKey: 'k'.repeat(43) },
      ca: identity.ca,
    });
    const there = await toSplunk(await hec());
    harness.exporter().start();
    for (let batch = 0; batch < 6; batch += 1) await harness.log.append(400);
    await reaches(there, 2_400);
    await expect.poll(async () => (await harness.cursor(id)).failures).toBeGreaterThan(1);
    const back = await HttpsReceiver.start(identity);
    cleanups.push(() => back.stop());
    way.to = [back.port];
    await reaches(id, 2_400);
    const batches = back.requests.map(({ body }) => JSON.parse(body) as { metadata: { sequence: number } }[]);
    expect(batches.flat().map(({ metadata }) => metadata.sequence)).toEqual(upTo(2_400));
    expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(512);
  });

  it('that is slow gets no second batch before it has taken the first, and large entries make small batches', async () => {
    const slow = await HttpsReceiver.start();
    cleanups.push(() => slow.stop());
    let underWay = 0;
    let most = 0;
    slow.answer = async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return { status: 200 };
    };
    const id = await harness.destination('webhook', {
      secret: { url: `${slow.url}/`, signingKey: 'k'.repeat(43) },
      ca: slow.identity.ca,
    });
    const large = Object.fromEntries(upTo(12).map((at) => [`fact${at}`, 'x'.repeat(4_000)]));
    await harness.log.append(60, { data: large });
    harness.exporter().start();
    await reaches(id, 60);
    expect(most).toBe(1);
    expect(slow.requests.length).toBeGreaterThanOrEqual(3);
    for (const { body } of slow.requests) expect(body.length).toBeLessThan(2 * 1024 * 1024);
  });

  it('with another certificate, or for another name, gets nothing', async () => {
    const stranger = await HttpsReceiver.start();
    const misnamed = await HttpsReceiver.start(await receiverIdentity(['other.example']));
    cleanups.push(
      () => stranger.stop(),
      () => misnamed.stop(),
    );
    const { ca } = await receiverIdentity();
    const secret = (receiver: HttpsReceiver) => ({ url: `${receiver.url}/`, signingKey: 'k'.repeat(43) });
    const first = await harness.destination('webhook', { secret: secret(stranger), ca });
    const second = await harness.destination('webhook', {
      secret: secret(misnamed),
      ca: misnamed.identity.ca,
    });
    await harness.log.append(1);
    harness.exporter().start();
    await expect.poll(async () => (await harness.cursor(first)).failure).toMatch(/certificate/);
    await expect.poll(async () => (await harness.cursor(second)).failure).toMatch(/does not match/);
    expect([...stranger.requests, ...misnamed.requests]).toEqual([]);
  });

  it('that redirects is not followed', async () => {
    const receiver = await HttpsReceiver.start();
    cleanups.push(() => receiver.stop());
    receiver.answer = () => ({ status: 307, headers: { location: `${receiver.url}/elsewhere` } });
    const id = await harness.destination('webhook', {
      secret: { url: `${receiver.url}/here`, signingKey: 'k'.repeat(43) },
      ca: receiver.identity.ca,
    });
    await harness.log.append(1);
    harness.exporter().start();
    await expect.poll(async () => (await harness.cursor(id)).failure).toBe('307');
    expect(new Set(receiver.requests.map(({ path }) => path))).toEqual(new Set(['/here']));
  });

  it('that answers with another protocol is asked again later, and holds nobody’s place', async () => {
    const receiver = await HttpsReceiver.start();
    cleanups.push(() => receiver.stop());
    const headers = { connection: 'upgrade', upgrade: 'other' };
    receiver.answer = () => ({ status: 101, headers });
    const id = await harness.destination('webhook', {
      secret: { url: `${receiver.url}/here`, signingKey: 'k'.repeat(43) },
      ca: receiver.identity.ca,
    });
    await harness.log.append(1);
    harness.exporter().start();
    await expect.poll(async () => (await harness.cursor(id)).failure).toMatch(/no answer/);
    receiver.answer = () => ({ status: 200 });
    await reaches(id, 1);
  });
});

describe('several processes', () => {
  it('one sends at a time; who dies in the middle of a batch is followed by another, and nothing is missing', async () => {
    const receiver = await HttpsReceiver.start();
    cleanups.push(() => receiver.stop());
    const seen: number[] = [];
    const { promise: reached, resolve: arrived } = Promise.withResolvers<void>();
    const { promise: isDead, resolve: died } = Promise.withResolvers<void>();
    let batches = 0;
    receiver.answer = async ({ body }) => {
      batches += 1;
      seen.push(
        ...(JSON.parse(body) as { metadata: { sequence: number } }[]).map(
          ({ metadata }) => metadata.sequence,
        ),
      );
      if (batches === 2) {
        arrived();
        await isDead;
      }
      return { status: 200 };
    };
    const id = await harness.destination('webhook', {
      secret: { url: `${receiver.url}/`, signingKey: 'k'.repeat(43) },
      ca: receiver.identity.ca,
    });
    await harness.log.append(500);
    await harness.log.append(500);
    const relay = await Relay.to(harness.database.urls.app);
    const first = harness.exporter(undefined, relay.through(harness.database.urls.app));
    const second = harness.exporter();
    first.service.pace = { ...first.service.pace, leaseMs: 2_000 };
    first.start();
    await reached;
    // The receiver has the batch, and its sender is cut off before it can say so; its lease runs out by itself.
    await relay.cut();
    second.start();
    died();
    await reaches(id, 1_000);
    expect([...new Set(seen)]).toEqual(upTo(1_000));
    expect(seen.length).toBeGreaterThan(1_000);
  });

  it('never send the same at the same time', async () => {
    const splunk = await hec();
    const id = await toSplunk(splunk);
    const exporters = [harness.exporter(), harness.exporter(), harness.exporter()];
    for (const exporter of exporters) exporter.start();
    for (let batch = 0; batch < 10; batch += 1) await harness.log.append(50);
    await reaches(id, 500);
    expect(splunk.sequences).toEqual(upTo(500));
  });

  it('what is changed is sent as it is now, from where the cursor was put', async () => {
    const splunk = await hec();
    const id = await toSplunk(splunk);
    const exporter = harness.exporter();
    await harness.log.append(10);
    exporter.start();
    await reaches(id, 10);
    await harness.admin.query(
      'UPDATE export_cursors SET next_index = 7, lease_owner = NULL, lease_until = NULL WHERE destination_id = $1',
      [id],
    );
    await reaches(id, 10);
    await expect.poll(() => splunk.sequences).toEqual([...upTo(10), 7, 8, 9]);
  });
});

describe('a hole in the log', () => {
  it('is not passed over', async () => {
    const splunk = await hec();
    const id = await toSplunk(splunk);
    await harness.log.append(2);
    await harness.log.append(2);
    await harness.admin.query('SET session_replication_role = replica');
    await harness.admin.query(
      'UPDATE ledger_batches SET first_index = 3 WHERE device_id = $1 AND first_seq = 3',
      [harness.log.device],
    );
    await harness.admin.query('SET session_replication_role = DEFAULT');
    harness.exporter().start();
    await expect
      .poll(async () => (await harness.cursor(id)).failure)
      .toBe('entry 2 of the log cannot be read');
    expect((await harness.cursor(id)).next).toBe(0);
  });
});

describe('a filter', () => {
  it('leaves out what is not wanted, and the cursor passes it', async () => {
    const splunk = await hec();
    const id = await harness.destination('splunk-hec', {
      address: splunk.receiver.url,
      secret: { token },
      ca: splunk.receiver.identity.ca,
      filter: { types: ['guard.denied', 'control'], severity: 'warning' },
    });
    await harness.log.append(3);
    await harness.log.append(1, { type: 'guard.denied', severity: 'warning' });
    await harness.log.append(1, { type: 'guard.denied', severity: 'notice' });
    await harness.log.appendControl('audit', {
      audit: 1,
      action: 'freeze.create',
      actor: { kind: 'user', id: 'u1' },
    });
    harness.exporter().start();
    await reaches(id, 6);
    expect(splunk.sequences).toEqual([3, 5]);
    expect(await harness.cursor(id)).toMatchObject({ sent: 2 });
  });
});

describe('a webhook', () => {
  it('is signed as messages to chat services are, with a key for each batch', async () => {
    const receiver = await HttpsReceiver.start();
    cleanups.push(() => receiver.stop());
    const signingKey = randomBytes(32).toString('base64url');
    const id = await harness.destination('webhook', {
      secret: { url: `${receiver.url}/hook?key=1`, signingKey },
      ca: receiver.identity.ca,
      settings: { format: 'ndjson' },
    });
    await harness.log.append(3);
    harness.exporter().start();
    await reaches(id, 3);
    const [request] = receiver.requests;
    const signature = String(request?.headers['raypher-signature']);
    const [, time, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
    expect(mac).toBe(createHmac('sha256', signingKey).update(`${time}.${request?.body}`).digest('hex'));
    expect(Math.abs(Number(time) - Date.now() / 1_000)).toBeLessThan(60);
    expect(request).toMatchObject({
      path: '/hook?key=1',
      headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': `${id}/0-2` },
    });
    const lines = request?.body.trimEnd().split('\n') ?? [];
    expect(lines.map((line) => JSON.parse(line).http_request.url.path)).toEqual(Array(3).fill('/größe'));
  });
});

describe('syslog', () => {
  async function syslog(options: { clientCa?: string } = {}): Promise<SyslogReceiver> {
    const server = await SyslogReceiver.start(options);
    cleanups.push(() => server.stop());
    return server;
  }

  it('gets RFC 5424 messages, counted in octets, over verified TLS', async () => {
    const server = await syslog();
    const id = await harness.destination('syslog-tls', { address: server.address, ca: server.identity.ca });
    await harness.log.append(600);
    await harness.log.append(1, { type: 'tamper.suspected', severity: 'critical' });
    harness.exporter().start();
    await reaches(id, 601);
    expect(server.faults).toEqual([]);
    expect(server.messages.map(({ message }) => JSON.parse(message).metadata.sequence)).toEqual(upTo(601));
    expect(server.messages[0]).toMatchObject({
      priority: 13 * 8 + 6,
      time: '2026-11-30T20:00:00.001Z',
      host: 'dev-1',
      app: 'raypher',
      id: 'network.request',
    });
    expect(server.messages.at(-1)).toMatchObject({ priority: 13 * 8 + 2, id: 'tamper.suspected' });
  });

  it('that breaks off in the middle gets everything again from the last batch that it read to the end', async () => {
    const server = await syslog();
    server.breakAfter.push(Number.POSITIVE_INFINITY, 40);
    const id = await harness.destination('syslog-tls', { address: server.address, ca: server.identity.ca });
    await harness.log.append(1_024);
    harness.exporter().start();
    await reaches(id, 1_024);
    const sequences = server.messages.map(({ message }) => JSON.parse(message).metadata.sequence as number);
    // The first batch, what was read of the second, and the whole second.
    expect(sequences).toEqual([...upTo(512), ...upTo(552).slice(512), ...upTo(1_024).slice(512)]);
  });

  it('shows a client certificate where one is given, and is refused without one', async () => {
    const client = await clientIdentity();
    const server = await syslog({ clientCa: client.ca });
    const { ca } = server.identity;
    const { address } = server;
    const secret = { clientCertificate: client.cert, clientKey: client.key };
    // Of another authority: the server turns it away after the handshake, when the client may have sent everything.
    const strange = await clientIdentity();
    const others = [
      await harness.destination('syslog-tls', { address, ca }),
      await harness.destination('syslog-tls', {
        address,
        ca,
        secret: { clientCertificate: strange.cert, clientKey: strange.key },
      }),
    ];
    const id = await harness.destination('syslog-tls', { address, ca, secret });
    await harness.log.append(2);
    harness.exporter().start();
    await reaches(id, 2);
    for (const other of others) {
      await expect.poll(async () => (await harness.cursor(other)).failures).toBeGreaterThan(2);
      expect((await harness.cursor(other)).next).toBe(0);
    }
    expect(server.messages).toHaveLength(2);
  });

  it('with a certificate of somebody else gets nothing', async () => {
    const server = await syslog();
    const { ca } = await receiverIdentity();
    const id = await harness.destination('syslog-tls', { address: server.address, ca });
    await harness.log.append(1);
    harness.exporter().start();
    await expect.poll(async () => (await harness.cursor(id)).failure).toMatch(/certificate/);
    expect(server.messages).toEqual([]);
  });
});

describe('a file', () => {
  it('has one line per event; what a crash left of a line is cut away', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'raypher-export-'));
    cleanups.push(() => rm(directory, { recursive: true }));
    const file = join(directory, `${harness.log.organisation}.ndjson`);
    const id = await harness.destination('file');
    await harness.log.append(5);
    harness.exporter(directory).start();
    await reaches(id, 5);
    await harness.stopExporters();
    await appendFile(file, '{"metadata":{"seq');
    await harness.log.append(5);
    harness.exporter(directory).start();
    await reaches(id, 10);
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).metadata.sequence)).toEqual(upTo(10));
    expect(await readdir(directory)).toEqual([`${harness.log.organisation}.ndjson`]);
  });

  it('is not written where the operator has set no folder', async () => {
    const id = await harness.destination('file');
    await harness.log.append(1);
    harness.exporter().start();
    await expect.poll(async () => (await harness.cursor(id)).failure).toContain('RAYPHER_EXPORT_DIR');
  });
});

describe('addresses of this network', () => {
  it.each(['10.0.0.1', '169.254.169.254', '::1', '192.168.1.1'])(
    '%s is not connected to unless the operator named its range',
    async (address) => {
      const splunk = await hec();
      const id = await toSplunk(splunk);
      const exporter = harness.exporter();
      const { network } = exporter.senders;
      exporter.senders.network = {
        ...network,
        resolve: async () => [{ address, family: address.includes(':') ? 6 : 4 }],
      };
      await harness.log.append(1);
      exporter.start();
      await expect
        .poll(async () => (await harness.cursor(id)).failure)
        .toContain('not on the public internet');
      expect(splunk.asked).toEqual([]);
    },
  );
});

describe('metrics', () => {
  it('say how far each destination is behind', async () => {
    const splunk = await hec();
    splunk.answers.push(...Array(5_000).fill({ status: 503, body: '{"text":"Server is busy","code":9}' }));
    const id = await toSplunk(splunk);
    await harness.log.append(9);
    const exporter = harness.exporter();
    exporter.start();
    const numbers = () => exporter.metrics.registry.metrics();
    await expect.poll(numbers).toContain(`raypher_export_behind_entries{destination="${id}"} 9`);
    await expect
      .poll(numbers)
      .toMatch(new RegExp(`raypher_export_failures_total\\{destination="${id}"\\} [1-9]`));
  });
});
