import 'reflect-metadata';
import { createHash } from 'node:crypto';
import type { AiAgent } from '@raypher/shared';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { Installation } from '../testing/installation.ts';
import { MAX_GONE } from './inventory.repository.ts';
import { InventoryService } from './inventory.service.ts';

let installation: Installation;
let admin: pg.Client;

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await installation?.stop();
});

it('a device that reports ever new AI agents does not fill the database', async () => {
  const device = await installation.enrolDevice();
  const stream = await device.open(installation.linkPort);
  const perRound = 400;
  const rounds = 3;
  for (let round = 0; round < rounds; round += 1) {
    const agents = Array.from({ length: perRound }, (_, index) => ({
      id: createHash('sha256').update(`${round} ${index}`).digest('hex'),
      name: `agent ${round} ${index}`,
      user: 'dev',
      exePath: '/usr/bin/node',
      exeSha256: '',
      entryScript: '',
      libraries: [],
      models: [],
      signatures: [],
      risk: 'high',
      evidence: [],
      processes: [],
      frozen: false,
      firstSeenMs: 1_000n,
      lastSeenMs: BigInt(Date.now()),
      confidence: 'full',
    }));
    stream.send({ $case: 'inventory', value: { atMs: 0n, processes: 1, agents } });
    const read = async () =>
      (
        await admin.query(
          `SELECT count(*) FILTER (WHERE state = 'running' AND name LIKE $2)::int AS running,
             count(*) FILTER (WHERE state = 'gone')::int AS gone FROM ai_agents WHERE device_id = $1`,
          [device.id, `agent ${round} %`],
        )
      ).rows[0];
    await expect.poll(read).toEqual({ running: perRound, gone: Math.min(round * perRound, MAX_GONE) });
  }
  const { rows } = await admin.query(
    `SELECT count(*)::int AS newest FROM ai_agents WHERE device_id = $1 AND state = 'gone' AND name LIKE 'agent 1 %'`,
    [device.id],
  );
  expect(rows[0].newest).toBe(perRound);
  stream.close();
});

/** Quotes are two characters each in JSON. */
const QUOTES = '"'.repeat(4_096);

/** About three megabytes of protobuf, in a form that takes the most room here. */
const LARGE = Array.from({ length: 100 }, (_, index) => {
  const id = createHash('sha256').update(`large ${index}`).digest('hex');
  const processes = Array.from({ length: 6 }, () => ({
    startTime: 0n,
    rssBytes: 0n,
    name: '',
    commandLine: QUOTES,
  }));
  const lists = { libraries: [], models: [], signatures: [], evidence: [] };
  const texts = { name: '', user: '', exePath: QUOTES, entryScript: QUOTES };
  return { id, ...texts, ...lists, processes, firstSeenMs: 0n, lastSeenMs: 0n } as unknown as AiAgent;
});

it('large inventories of many devices are written in pieces that fit, and no more wait than fit into memory', async () => {
  const ids: string[] = [];
  for (let count = 0; count < 20; count += 1) ids.push((await installation.enrolDevice()).id);
  const service = installation.link.get(InventoryService);
  const { organisationId } = installation;
  const receive = (deviceId: string) =>
    service.receive({ organisationId, deviceId } as DeviceIdentity, {
      atMs: 0n,
      processes: 1,
      agents: LARGE,
    });
  let taken = 0;
  const fill = () => {
    for (; taken < ids.length; taken += 1) receive(ids[taken] ?? '');
  };
  const written = async () => {
    const sql =
      'SELECT count(DISTINCT device_id)::int AS count FROM ai_agents WHERE device_id = ANY ($1::uuid[])';
    return (await admin.query(sql, [ids])).rows[0].count;
  };

  await admin.query('BEGIN');
  await admin.query('LOCK TABLE ai_agents IN EXCLUSIVE MODE');
  expect(fill).toThrow(/More inventories arrive/);
  expect(taken).toBeGreaterThan(5);
  await admin.query('COMMIT');
  await expect.poll(written, { timeout: 60_000 }).toBe(taken);
  receive(ids[taken] ?? '');
  await expect.poll(written).toBe(taken + 1);
}, 120_000);
