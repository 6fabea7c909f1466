import 'reflect-metadata';
import { commitPrivate } from '@raypher/ledger';
import type { EventBatch } from '@raypher/shared';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IncidentsRepository } from '../incidents/incidents.repository.ts';
import { Installation } from '../testing/installation.ts';

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

it('every sample of an incident is erased with it, also those after its first thousand occurrences', async () => {
  const device = await installation.enrolDevice();
  const stream = await device.open(installation.linkPort);
  for (let round = 0; round < 3; round += 1) {
    const firstSeq = device.head.seq + 1;
    const privateParts: EventBatch['privateParts'] = [];
    const entries = device.record(400, (entry, index) => {
      const part = commitPrivate({ samples: ['sk-p…Fh7j'] }, 'A'.repeat(43));
      Object.assign(entry, { type: 'dlp.found', data: FOUND, private: part.commitment });
      privateParts.push({ seq: BigInt(firstSeq + index), content: Buffer.from(part.content) });
    });
    stream.send({ $case: 'events', value: { ...device.batch(entries, firstSeq), privateParts } });
    await stream.durable(device.head.seq);
  }
  device.close();
  const { rows } = await admin.query('SELECT id, occurrences FROM incidents WHERE device_id = $1', [
    device.id,
  ]);
  expect(rows).toEqual([{ id: expect.any(String), occurrences: 1_200 }]);
  const { api, tenants, organisationId } = installation;
  const incidents = api.get(IncidentsRepository, { strict: false });
  expect(await tenants.within(organisationId, (tx) => incidents.erase(tx, rows[0].id))).toBe(1_200);
  const left = await admin.query('SELECT seq FROM event_private WHERE device_id = $1', [device.id]);
  expect(left.rows).toEqual([]);
});
