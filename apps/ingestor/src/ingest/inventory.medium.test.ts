import 'reflect-metadata';
import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Installation } from '../testing/installation.ts';
import { MAX_GONE } from './inventory.repository.ts';

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
