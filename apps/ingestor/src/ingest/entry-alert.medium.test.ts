import 'reflect-metadata';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Installation } from '../testing/installation.ts';
import type { TestDevice } from '../testing/test-device.ts';

let installation: Installation;
let admin: pg.Client;
let device: TestDevice | undefined;

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
});
afterAll(async () => {
  device?.close();
  await admin?.end();
  await installation?.stop();
});

it('what a device says of lost capabilities and of attacks on itself is an alert, in the commit of the entry', async () => {
  device = await installation.enrolDevice();
  const stream = await device.open(installation.linkPort);
  const said = [
    [
      'posture.changed',
      'kernel.files',
      { from: 'enforced', to: 'unavailable', reason: 'the canary was let through' },
    ],
    ['posture.changed', 'kernel.files', { from: 'enforced', to: 'unavailable', reason: 'again' }],
    [
      'posture.changed',
      'kernel.programs',
      { from: 'enforced', to: 'observing', byPolicy: false, reason: 'half of it is held' },
    ],
    // Asked for, by a policy in monitor mode.
    [
      'posture.changed',
      'network.proxy',
      { from: 'enforced', to: 'observing', byPolicy: true, reason: 'monitor mode' },
    ],
    // Of an agent that does not say why.
    ['posture.changed', 'gate', { from: 'enforced', to: 'observing', reason: 'monitor mode' }],
    ['guard.denied', 'process 1', { denied: true, protection: 'of the agent itself' }],
    ['guard.denied', '/etc/shadow', { denied: true }],
    [
      'tamper.suspected',
      'ledger',
      { reason: 'The control plane holds entries that this device does not have.' },
    ],
    ['ledger.contradicted', 'raypher.log/x', { detail: 'The log has 5 entries, and 9 were signed.' }],
  ] as const;
  const firstSeq = device.head.seq + 1;
  const entries = device.record(said.length, (entry, index) => {
    const [type, target, data] = said[index] ?? said[0];
    Object.assign(entry, { type, target, data, severity: 'warning', action: 'signal' });
  });
  stream.send({ $case: 'events', value: device.batch(entries, firstSeq) });
  await stream.durable(device.head.seq);
  const { rows } = await admin.query(
    'SELECT kind, severity, occurrences, title FROM alerts WHERE device_id = $1 ORDER BY kind, subject',
    [device.id],
  );
  expect(rows).toMatchObject([
    { kind: 'guard.denied', severity: 'critical', occurrences: 1 },
    { kind: 'ledger.contradicted', severity: 'critical', occurrences: 1 },
    { kind: 'posture.changed', severity: 'warning', occurrences: 2 },
    { kind: 'posture.changed', severity: 'warning', occurrences: 1 },
    { kind: 'tamper.suspected', severity: 'critical', occurrences: 1 },
  ]);
  expect(rows.map(({ title }) => title)).toEqual([
    expect.stringMatching(/ tried to send a signal to process 1$/),
    'The record contradicts what a device saw of it: The log has 5 entries, and 9 were signed.',
    'A device can no longer enforce kernel.files: the canary was let through',
    'A device can no longer enforce kernel.programs: half of it is held',
    'Tampering is suspected: The control plane holds entries that this device does not have.',
  ]);
});
