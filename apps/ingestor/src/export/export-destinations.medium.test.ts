import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { BlockList } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addRange } from '../config/config.ts';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import { Senders } from './senders.ts';
import { HecReceiver } from './testing/hec-receiver.ts';
import { HttpsReceiver } from './testing/https-receiver.ts';

const PATH = '/v1/export/destinations';
const token = randomBytes(16).toString('hex');
const reason = 'the SIEM moved in';

let api: TestApi;
let organisation: TestOrganisation;
let directory: string;
const receivers: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  const here = new BlockList();
  addRange(here, '127.0.0.0/8');
  directory = await mkdtemp(join(tmpdir(), 'raypher-export-'));
  api = await TestApi.start({ exportNetworks: here, exportDirectory: directory });
  organisation = await api.found('Exporting organisation');
  const senders = api.app.get(Senders, { strict: false });
  senders.network = { ...senders.network, resolve: async () => [{ address: '127.0.0.1', family: 4 }] };
});
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.stop();
});
afterAll(async () => {
  await api.stop();
  await rm(directory, { recursive: true, force: true });
});

async function splunk(): Promise<HecReceiver> {
  const hec = await HecReceiver.start(token);
  receivers.push(hec.receiver);
  return hec;
}

function newSplunk({ receiver }: HecReceiver, part: object = {}) {
  return {
    kind: 'splunk-hec',
    name: 'Splunk',
    address: receiver.url,
    token,
    ca: receiver.identity.ca,
    reason,
    ...part,
  };
}

describe('destinations', () => {
  it('are added, shown with how far they are, changed, tried and taken away; secrets are never shown', async () => {
    const hec = await splunk();
    const { administrator } = organisation;
    const created = await administrator.post(PATH, newSplunk(hec, { index: 'ai' }));
    expect(created.status).toBe(201);
    const { id } = created.body.destination;
    expect(created.body).toMatchObject({
      signingKey: null,
      destination: { kind: 'splunk-hec', settings: { index: 'ai' }, hasCa: true, enabled: true },
    });
    const tried = await administrator.post(`${PATH}/${id}/test`, {});
    expect(tried.body).toMatchObject({ ok: true, said: expect.stringContaining('Success') });
    expect(hec.events).toContainEqual(
      expect.objectContaining({
        event: expect.objectContaining({ message: 'A test of this destination by Raypher.' }),
      }),
    );
    const off = await administrator.patch(`${PATH}/${id}`, { enabled: false, name: 'Old Splunk', reason });
    expect(off.body.destination).toMatchObject({ name: 'Old Splunk', state: { status: 'off' } });
    const listed = await administrator.get(PATH);
    expect(listed.body).toMatchObject({ fileAllowed: true, items: [{ id, state: { failure: null } }] });
    expect((await administrator.delete(`${PATH}/${id}`)).status).toBe(204);
    expect((await administrator.get(PATH)).body.items).toEqual([]);
    const audit = await administrator.get('/v1/audit');
    expect(audit.body.items.map(({ action }: { action: string }) => action)).toEqual(
      expect.arrayContaining(['export.create', 'export.test', 'export.update', 'export.delete']),
    );
    for (const { body } of [created, tried, off, listed, audit]) {
      expect(JSON.stringify(body)).not.toContain(token);
    }
  });

  it('say what the receiver said, without the token that it repeats', async () => {
    const hec = await splunk();
    const { body } = await organisation.administrator.post(PATH, newSplunk(hec, { token: `${token}x` }));
    const { id } = body.destination;
    const tried = await organisation.administrator.post(`${PATH}/${id}/test`, {});
    expect(tried.body).toMatchObject({ ok: false, said: expect.stringContaining('Invalid token') });
    expect(tried.body.said).toContain('•••');
    expect(tried.body.said).not.toContain(token);
    await organisation.administrator.delete(`${PATH}/${id}`);
  });

  it('never take a stored secret to another address', async () => {
    const [hec, elsewhere] = [await splunk(), await splunk()];
    const { administrator } = organisation;
    const { body } = await administrator.post(PATH, newSplunk(hec, { from: 'now' }));
    const { id } = body.destination;
    const moved = { address: elsewhere.receiver.url, reason };
    expect((await administrator.patch(`${PATH}/${id}`, moved)).status).toBe(400);
    const ca = { ca: elsewhere.receiver.identity.ca, reason };
    expect((await administrator.patch(`${PATH}/${id}`, ca)).status).toBe(400);
    expect(elsewhere.asked).toEqual([]);
    const known = await administrator.patch(`${PATH}/${id}`, { ...moved, ...ca, token });
    expect(known.status).toBe(200);
    await administrator.delete(`${PATH}/${id}`);
  });

  it('of a webhook show its host alone, and a signing key once; a new address gets a new key', async () => {
    const receiver = await HttpsReceiver.start();
    receivers.push(receiver);
    const { administrator } = organisation;
    const path = `/hooks/${randomBytes(8).toString('hex')}`;
    const created = await administrator.post(PATH, {
      kind: 'webhook',
      name: 'Hook',
      address: `${receiver.url}${path}`,
      ca: receiver.identity.ca,
      reason,
    });
    const { destination, signingKey } = created.body;
    expect(signingKey).toMatch(/^[\w-]{43}$/);
    expect(destination.address).toBe(receiver.url);
    const tried = await administrator.post(`${PATH}/${destination.id}/test`, {});
    expect(tried.body.ok).toBe(true);
    expect(receiver.requests[0]?.path).toBe(path);
    const moved = await administrator.patch(`${PATH}/${destination.id}`, {
      address: `${receiver.url}/other`,
      reason,
    });
    expect(moved.body.signingKey).not.toBe(signingKey);
    expect(JSON.stringify((await administrator.get(PATH)).body)).not.toContain(path);
    expect(JSON.stringify((await administrator.get('/v1/audit')).body)).not.toContain(path);
    await administrator.delete(`${PATH}/${destination.id}`);
  });

  it('go on from where somebody puts them, never past the end', async () => {
    const hec = await splunk();
    const { administrator } = organisation;
    const { body } = await administrator.post(PATH, newSplunk(hec));
    const { id } = body.destination;
    const back = await administrator.post(`${PATH}/${id}/rewind`, { index: 0, reason });
    expect(back.body.state.nextIndex).toBe(0);
    const far = await administrator.post(`${PATH}/${id}/rewind`, { index: 1_000_000, reason });
    expect(far.status).toBe(400);
    await administrator.delete(`${PATH}/${id}`);
  });

  it.each([
    ['an address without TLS', { address: 'http://siem.example:8088' }],
    ['a user in the address', { address: 'https://user:word@siem.example:8088' }],
    ['another kind', { kind: 'kafka' }],
    ['a path for the file', { kind: 'file', address: '/etc/passwd', token: undefined, ca: undefined }],
    ['no reason', { reason: '' }],
    ['an unknown type of entry', { filter: { types: ['network.nothing'] } }],
    ['a token with a line end', { token: 'abcdefgh\r\nX: y' }],
  ])('are not added with %s', async (_what, part) => {
    const hec = await splunk();
    const { status } = await organisation.administrator.post(PATH, newSplunk(hec, part));
    expect(status).toBe(400);
  });

  it('have one file for each organisation', async () => {
    const { administrator } = organisation;
    const file = { kind: 'file', name: 'On disk', reason };
    const [first, second] = await Promise.all([
      administrator.post(PATH, file),
      administrator.post(PATH, file),
    ]);
    expect([first.status, second.status].sort()).toEqual([201, 409]);
    const { id } = (first.status === 201 ? first : second).body.destination;
    expect((await administrator.post(`${PATH}/${id}/test`, {})).body.ok).toBe(true);
    // Beside the file that the log goes to.
    expect(await readdir(directory)).toContain(`${organisation.id}.test.ndjson`);
    await administrator.delete(`${PATH}/${id}`);
  });

  it('belong to their organisation and are managed by its administrators', async () => {
    const hec = await splunk();
    const { body } = await organisation.administrator.post(PATH, newSplunk(hec));
    const { id } = body.destination;
    const stranger = await api.found(`Other ${randomUUID()}`);
    expect((await stranger.administrator.get(PATH)).body.items).toEqual([]);
    for (const [action, part] of [
      ['test', {}],
      ['rewind', { index: 0, reason }],
    ] as const) {
      expect((await stranger.administrator.post(`${PATH}/${id}/${action}`, part)).status).toBe(404);
    }
    expect((await stranger.administrator.delete(`${PATH}/${id}`)).status).toBe(404);
    const auditor = await api.member(organisation, 'auditor');
    expect((await auditor.get(PATH)).status).toBe(200);
    expect((await auditor.post(`${PATH}/${id}/test`, {})).status).toBe(403);
    const developer = await api.member(organisation, 'developer');
    expect((await developer.get(PATH)).status).toBe(403);
    await organisation.administrator.delete(`${PATH}/${id}`);
  });
});
