import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';

let api: TestApi;
let acme: TestOrganisation;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
});
afterAll(() => api.stop());

const cursor = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url');
const NIL = '00000000-0000-4000-8000-000000000000';
const REASON = 'because\u0000of this';
const SURROGATE = 'because \ud800 of this';

describe('input that no console sends', () => {
  it.each([
    '/v1/events?search=%00',
    '/v1/events?agent=%00',
    '/v1/events?from=0000-01-01T00:00:00Z',
    '/v1/devices?search=%00',
    '/v1/agents?search=%00',
    `/v1/devices?cursor=${cursor(['\u0000', NIL])}`,
    `/v1/agents?cursor=${cursor({ isGone: false, hostname: '\u0000', name: '', deviceId: NIL, id: '' })}`,
    `/v1/teams?cursor=${cursor('\u0000')}`,
    `/v1/members?cursor=${cursor('\u0000')}`,
    `/v1/freezes?cursor=${cursor([true, '0000-01-01T00:00:00Z', NIL])}`,
    `/v1/alerts?cursor=${cursor([true, '0000-01-01T00:00:00Z', NIL])}`,
    `/v1/rollouts?cursor=${cursor(['0000-01-01T00:00:00Z', NIL])}`,
    `/v1/api-tokens?cursor=${cursor(['0000-01-01T00:00:00Z', NIL])}`,
    `/v1/enrolment-tokens?cursor=${cursor(NIL)}`,
    `/v1/audit?cursor=${cursor('9999999999999999999')}`,
    `/v1/policies/revisions/9007199254740991`,
    `/v1/events/${NIL}/9007199254740991`,
  ])('%s is not our error', async (path) => {
    expect((await acme.administrator.get(path)).status).toBeLessThan(500);
  });

  it.each([
    ['post', '/v1/teams', { name: 'a\u0000b' }],
    ['post', '/v1/teams', { name: 'a\ud800b' }],
    ['post', '/v1/freezes', { selector: { kind: 'library', name: 'x' }, reason: REASON, confirm: '' }],
    ['post', '/v1/freezes', { selector: { kind: 'library', name: 'x' }, reason: SURROGATE, confirm: '' }],
    ['post', '/v1/members', { name: 'a\u0000', email: 'nul@example.test', role: 'auditor' }],
    ['post', '/v1/enrolment-tokens', { name: 'a\u0000' }],
    ['post', '/v1/api-tokens', { name: 'a\u0000', scopes: ['teams:read'] }],
    ['patch', '/v1/members/%00', { role: 'auditor', reason: 'because' }],
    ['post', '/api/auth/sign-in/email', { email: 'a\u0000@example.test', password: 'a\u0000' }],
    ['post', '/api/auth/sign-in/email', { email: 'a@example.test', password: '\u0000' }],
  ] as const)('%s %s with %j is not our error', async (method, path, body) => {
    expect((await acme.administrator[method](path, body)).status).toBeLessThan(500);
  });
});

it('a thousand requests in one piece are not worked on: the connection ends, and others are answered', async () => {
  const { port } = new URL(api.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('GET /v1/packages/none HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(1_000));
  const answers = (await text(socket).catch(() => '')).split('HTTP/1.1 ').length - 1;
  expect(answers).toBeLessThan(10);
  expect((await acme.administrator.get('/v1/devices')).status).toBe(200);
});
