import 'reflect-metadata';
import { commitPrivate } from '@raypher/ledger';
import type { EventBatch } from '@raypher/shared';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AlertsRepository, showAlert } from '../alerts/alerts.repository.ts';
import { LIVE_CHANNEL, parseLiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { Installation } from '../testing/installation.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { TestStream } from '../testing/test-stream.ts';

let installation: Installation;
let admin: pg.Client;
const devices: TestDevice[] = [];

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
});
afterEach(() => {
  for (const device of devices.splice(0)) device.close();
});
afterAll(async () => {
  await admin?.end();
  await installation?.stop();
});

async function connect(): Promise<{ device: TestDevice; stream: TestStream }> {
  const device = await installation.enrolDevice();
  devices.push(device);
  return { device, stream: await device.open(installation.linkPort) };
}

const FOUND = {
  direction: 'out',
  host: 'api.example.com',
  provider: 'openai',
  model: 'gpt-x',
  outcome: 'block',
  wouldBlock: false,
  detectors: ['openai-api-key'],
  counts: ['1'],
  classes: ['credential'],
  places: ['message'],
  hashes: ['ab'.repeat(32)],
  count: 1,
};

interface Found {
  data?: Record<string, unknown>;
  sample?: string;
  actor?: Record<string, unknown>;
  severity?: string;
}

/** Entries of sensitive data, each with a private part when it has a sample. */
function found(device: TestDevice, ...wanted: Found[]): EventBatch {
  const firstSeq = device.head.seq + 1;
  const parts: EventBatch['privateParts'] = [];
  const entries = device.record(wanted.length, (entry, index) => {
    const { data, sample, actor, severity } = wanted[index] ?? {};
    Object.assign(entry, {
      type: 'dlp.found',
      severity: severity ?? 'critical',
      data: { ...FOUND, ...data },
    });
    if (actor !== undefined) entry.actor = actor;
    if (sample === undefined) return;
    const part = commitPrivate({ samples: [sample], detectors: ['openai-api-key'] }, 'A'.repeat(43));
    entry.private = part.commitment;
    parts.push({ seq: BigInt(firstSeq + index), content: Buffer.from(part.content) });
  });
  return { ...device.batch(entries, firstSeq), privateParts: parts };
}

async function commit(device: TestDevice, stream: TestStream, batch: EventBatch): Promise<void> {
  stream.send({ $case: 'events', value: batch });
  await stream.durable(device.head.seq);
}

async function incidentsOf(device: TestDevice) {
  const { rows } = await admin.query(
    `SELECT host, outcome, occurrences, findings, status, last_seq::int AS seq, agent_name, severity
       FROM incidents WHERE device_id = $1 ORDER BY last_seq`,
    [device.id],
  );
  return rows;
}

async function partsOf(device: TestDevice): Promise<number[]> {
  const { rows } = await admin.query('SELECT seq::int FROM event_private WHERE device_id = $1 ORDER BY seq', [
    device.id,
  ]);
  return rows.map(({ seq }) => seq);
}

describe('private parts', () => {
  it('are kept with their entries, exactly once, for as long as the organisation wants', async () => {
    const { device, stream } = await connect();
    const batch = found(device, { sample: 'one' }, {}, { sample: 'three' });
    await commit(device, stream, batch);
    await admin.query('DELETE FROM event_private WHERE device_id = $1 AND seq = 1', [device.id]);
    // What was erased does not come back with a repeated batch.
    stream.send({ $case: 'events', value: batch });
    await admin.query(
      `INSERT INTO private_retention (organisation_id, days, updated_at, updated_by) VALUES ($1, 7, now(), 'M')`,
      [installation.organisationId],
    );
    await commit(device, stream, found(device, { sample: 'four' }));
    const { rows } = await admin.query(
      `SELECT seq::int, content, extract(day FROM expires_at - stored_at)::int AS days FROM event_private
        WHERE device_id = $1 ORDER BY seq`,
      [device.id],
    );
    expect(rows.map(({ seq, days }) => [seq, days])).toEqual([
      [3, 30],
      [4, 7],
    ]);
    expect(rows[0]?.content.equals(batch.privateParts[1]?.content)).toBe(true);
    await admin.query('DELETE FROM private_retention');
  });

  it('that are not what the entry commits to end the stream, raise an alert and store nothing', async () => {
    const { device, stream } = await connect();
    const batch = found(device, { sample: 'sk-p…Fh7j' });
    const [part] = batch.privateParts;
    const forged = Buffer.from(part?.content.toString('utf8').replace('sk-p', 'fine') ?? '');
    stream.send({ $case: 'events', value: { ...batch, privateParts: [{ seq: 1n, content: forged }] } });
    expect(await stream.ended).toMatchObject({ status: 15, code: 'ledger/chain-broken' });
    expect(await partsOf(device)).toEqual([]);
    expect(await incidentsOf(device)).toEqual([]);
    const alerts = 'SELECT kind FROM alerts WHERE device_id = $1';
    await expect
      .poll(async () => (await admin.query(alerts, [device.id])).rows)
      .toEqual([{ kind: 'ledger/chain-broken' }]);
  });

  it('that were erased before they were sent leave the entry valid', async () => {
    const { device, stream } = await connect();
    await commit(device, stream, { ...found(device, { sample: 'erased' }), privateParts: [] });
    expect(await partsOf(device)).toEqual([]);
    expect(await incidentsOf(device)).toHaveLength(1);
  });

  it('cannot be read or deleted by the link side', async () => {
    const ingest = new pg.Client({ connectionString: installation.database.urls.ingest });
    await ingest.connect();
    for (const statement of [
      'SELECT 1 FROM event_private',
      'DELETE FROM event_private',
      'DELETE FROM incidents',
    ]) {
      await expect(ingest.query(statement)).rejects.toMatchObject({ code: '42501' });
    }
    await ingest.end();
  });
});

describe('incidents', () => {
  it('count the same data to the same host, and tell apart what differs', async () => {
    const { device, stream } = await connect();
    await commit(
      device,
      stream,
      found(device, {}, { data: { count: 4 } }, { data: { host: 'other.example.com' } }),
    );
    await commit(device, stream, found(device, {}, { data: { outcome: 'allow' } }));
    expect(await incidentsOf(device)).toMatchObject([
      { host: 'other.example.com', occurrences: 1 },
      { host: 'api.example.com', outcome: 'block', occurrences: 3, findings: 4, seq: 4 },
      { host: 'api.example.com', outcome: 'allow', occurrences: 1, seq: 5 },
    ]);
    const events = 'SELECT count(*)::int AS n FROM incident_events WHERE device_id = $1';
    expect((await admin.query(events, [device.id])).rows).toEqual([{ n: 5 }]);
  });

  it('begin anew after they were resolved', async () => {
    const { device, stream } = await connect();
    await commit(device, stream, found(device, {}));
    await admin.query(`UPDATE incidents SET status = 'resolved' WHERE device_id = $1`, [device.id]);
    await commit(device, stream, found(device, {}, {}));
    expect(await incidentsOf(device)).toMatchObject([
      { status: 'resolved', occurrences: 1 },
      { status: 'open', occurrences: 2 },
    ]);
  });

  it('of a device are not those of another with the same data', async () => {
    const [one, other] = [await connect(), await connect()];
    await commit(one.device, one.stream, found(one.device, {}));
    await commit(other.device, other.stream, found(other.device, {}));
    expect(await incidentsOf(one.device)).toMatchObject([{ occurrences: 1 }]);
    expect(await incidentsOf(other.device)).toMatchObject([{ occurrences: 1 }]);
  });

  it('of a process that is no known AI agent do not depend on its number', async () => {
    const { device, stream } = await connect();
    const process = (pid: number) => ({ actor: { kind: 'process', id: '', name: `process ${pid}`, pid } });
    await commit(device, stream, found(device, process(4711), process(4712)));
    expect(await incidentsOf(device)).toMatchObject([{ occurrences: 2 }]);
  });

  it('open one alert for an AI agent and a host, and tell the live views', async () => {
    const { device, stream } = await connect();
    const seen: string[] = [];
    const subscriber = installation.api.get(RedisConnections).connect('test');
    await subscriber.subscribe(LIVE_CHANNEL);
    subscriber.on('message', (_channel: string, text: string) => {
      const message = parseLiveMessage(text);
      // The channel is common to all who use this Redis.
      if (message?.organisation === installation.organisationId) seen.push(message.kind);
    });
    await commit(
      device,
      stream,
      found(
        device,
        {},
        { data: { hashes: ['cd'.repeat(32)] } },
        { severity: 'info', data: { outcome: 'alert', classes: ['contact'] } },
      ),
    );
    await commit(device, stream, found(device, {}));
    const { rows } = await admin.query(
      'SELECT kind, severity, title, occurrences FROM alerts WHERE device_id = $1',
      [device.id],
    );
    expect(rows).toEqual([
      {
        kind: 'dlp.found',
        severity: 'critical',
        title: 'node agent.mjs tried to send a key or password to api.example.com: blocked',
        occurrences: 1,
      },
    ]);
    await expect.poll(() => seen).toEqual(expect.arrayContaining(['incidents', 'alert']));
    subscriber.disconnect();
  });

  it('give an alert the name of the worst of them, whenever it comes, and the number of the others', async () => {
    const { device, stream } = await connect();
    const card = { severity: 'warning', data: { classes: ['payment'], detectors: ['card'] } };
    const cards = ['1', '2', '3'].map((digit) => ({
      ...card,
      data: { ...card.data, hashes: [digit.repeat(64)] },
    }));
    const [one = card, two = card, three = card] = cards;
    const shown = async () => {
      const { rows } = await admin.query(
        `SELECT severity, title, detail ->> 'worstOf' AS "worstOf", detail ->> 'incident' AS incident
           FROM alerts WHERE device_id = $1`,
        [device.id],
      );
      return rows;
    };
    await commit(device, stream, found(device, one));
    expect(await shown()).toMatchObject([
      {
        severity: 'warning',
        title: 'node agent.mjs tried to send payment data to api.example.com: blocked',
        worstOf: '1',
      },
    ]);
    await commit(device, stream, found(device, two, {}, three));
    const { rows } = await admin.query(
      `SELECT id FROM incidents WHERE device_id = $1 AND classes = '{credential}'`,
      [device.id],
    );
    expect(await shown()).toEqual([
      {
        severity: 'critical',
        title: 'node agent.mjs tried to send a key or password to api.example.com: blocked',
        worstOf: '4',
        incident: rows[0]?.id,
      },
    ]);
    // What is less bad, or was counted already, changes nothing of that.
    await commit(device, stream, found(device, one, { ...card, data: { ...card.data, hashes: [] } }));
    const [last] = await shown();
    expect(last).toMatchObject({ severity: 'critical', worstOf: '5', incident: rows[0]?.id });
    const listed = await installation.api
      .get(AlertsRepository)
      .page(installation.organisationId, { state: 'open' }, undefined, 100);
    expect(listed.map(showAlert).find(({ deviceId }) => deviceId === device.id)?.title).toBe(
      'node agent.mjs tried to send a key or password to api.example.com: blocked, and 4 more',
    );
  });

  it('are made of whatever a device writes, without harm to its record', async () => {
    const { device, stream } = await connect();
    await commit(
      device,
      stream,
      found(
        device,
        {
          data: {
            direction: 'sideways',
            outcome: 7,
            count: -1,
            classes: 'x',
            host: `a\0b\u202e${'h'.repeat(3000)}`,
          },
        },
        { data: { hashes: [], detectors: Array(64).fill('d'.repeat(1000)), count: 1e308, model: true } },
        { actor: { kind: 'ai-agent', id: 'é\0', name: 'n\0'.repeat(100), user: 'u\0' } },
      ),
    );
    const rows = await incidentsOf(device);
    expect(rows).toHaveLength(3);
    expect(rows[0]?.host).toMatch(/^a\ufffdb\ufffdh/);
    expect(rows[0]?.host).toHaveLength(256);
    expect(rows.map(({ findings }) => findings)).toEqual([1, 1, 1]);
  });
});
