import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { PolicySnapshot } from '@raypher/policy';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import { UNKNOWN_CALLER } from '../proxy/caller.ts';
import { LocalProxy } from '../proxy/local-proxy.ts';
import { DnsServer } from '../testing/dns-server.ts';
import { engines, inForce, snapshotOf } from '../testing/policy-in-force.ts';
import { TestAuthority } from '../testing/test-authority.ts';

/** Two servers on one port of this machine: the one that may be reached, and the one that may not. */
const ALLOWED = '127.0.0.2';
const ALSO_ALLOWED = '127.0.0.3';
const VICTIM = '127.0.0.1';

const seen: { at: string; host: string | undefined }[] = [];
const servers: Server[] = [];
const events: EventDraft[] = [];
let answerWith: { status: number; headers: Record<string, string> };
let port: number;
let dns: DnsServer;
let proxy: LocalProxy;
let snapshot: PolicySnapshot;

const NAMED = `{ id: named, effect: allow, when: { address: { in: [${ALLOWED}, ${ALSO_ALLOWED}] } } }`;

beforeAll(async () => {
  port = await serve(VICTIM, 0);
  await serve(ALLOWED, port);
  await serve(ALSO_ALLOWED, port);
  dns = await DnsServer.start();
  proxy = new LocalProxy(
    { port: 0, bodyLimitBytes: 1024, connectTo: {}, dnsServers: [dns.address] },
    {
      policy: inForce(() => snapshot),
      ...engines(),
      identify: async () => ({ ...UNKNOWN_CALLER, agent: undefined }),
      record: (event) => events.push(event),
      modelSeen: () => {},
      failed: (error) => {
        throw error;
      },
    },
  );
  await proxy.start();
});
beforeEach(() => {
  seen.length = 0;
  events.length = 0;
  dns.asked.length = 0;
  dns.answer = () => undefined;
  answerWith = { status: 200, headers: {} };
  enforce(NAMED);
});
afterAll(async () => {
  await proxy.stop();
  await dns.stop();
  for (const server of servers) server.close();
});

async function serve(host: string, wanted: number): Promise<number> {
  const server = createHttpServer((incoming, response) => {
    seen.push({ at: host, host: incoming.headers.host });
    response.writeHead(answerWith.status, answerWith.headers).end(host);
  });
  servers.push(server);
  server.listen(wanted, host);
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function enforce(rules: string, mode: 'enforce' | 'monitor' = 'enforce'): void {
  snapshot = snapshotOf(`network: { default: allow, rules: [${rules}] }`, mode);
}

async function get(
  url: string,
): Promise<{ status: number; body: string; headers: IncomingMessage['headers'] }> {
  const outgoing = request({ host: '127.0.0.1', port: proxy.port, path: url, agent: false });
  outgoing.end();
  const [answer]: IncomingMessage[] = await once(outgoing, 'response');
  let body = '';
  if (answer !== undefined) for await (const chunk of answer) body += chunk;
  return { status: Number(answer?.statusCode), body, headers: answer?.headers ?? {} };
}

/** The status of CONNECT and, of a tunnel, which server is behind it. */
async function tunnelTo(target: string): Promise<{ status: string; body: string }> {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    if (text.endsWith('Established\r\n\r\n')) {
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    }
  }
  return { status: text.split(' ')[1] ?? '', body: text.slice(text.indexOf('\r\n\r\n')) };
}

/** Another address at each question. */
function rebinding(...addresses: string[]): void {
  const turns = new Map<string, number>();
  dns.answer = (name) => {
    // Both families are asked for at once.
    const turn = turns.get(name) ?? 0;
    turns.set(name, turn + 1);
    return { addresses: [addresses[Math.min(turn >> 1, addresses.length - 1)] ?? ''], ttl: 0 };
  };
}

test('a name that means something else right after the decision leads where it was decided', async () => {
  rebinding(ALLOWED, VICTIM);
  expect(await get(`http://rebound.example:${port}/`)).toMatchObject({ status: 200, body: ALLOWED });
  expect(seen).toEqual([{ at: ALLOWED, host: `rebound.example:${port}` }]);
  const second = await get(`http://rebound.example:${port}/`);
  expect(second.status).toBe(403);
  expect(second.body).toContain('builtin/private-address');
  expect(seen.map(({ at }) => at)).toEqual([ALLOWED]);
  expect(events.map(({ data }) => data.address)).toEqual([ALLOWED, VICTIM]);
});

test('of a host that is led elsewhere nobody sees the address', async () => {
  enforce('');
  proxy.redirect({ 'gateway.example': `http://${VICTIM}:${port}` });
  expect((await get('http://gateway.example/')).body).toBe(VICTIM);
  proxy.redirect({});
  expect(events[0]?.data).toMatchObject({ localChoice: 'mapped' });
  expect(JSON.stringify(events)).not.toContain(VICTIM);
});

test('a tunnel leads where it was decided as well', async () => {
  rebinding(ALLOWED, VICTIM);
  const first = await tunnelTo(`rebound.example:${port}`);
  expect(first).toMatchObject({ status: '200' });
  expect(first.body).toContain(ALLOWED);
  expect((await tunnelTo(`rebound.example:${port}`)).status).toBe('403');
  expect(seen.map(({ at }) => at)).toEqual([ALLOWED]);
});

test('a connection that is kept open is not used for a name that has moved', async () => {
  rebinding(ALLOWED, ALSO_ALLOWED);
  const bodies = [
    (await get(`http://moving.example:${port}/`)).body,
    (await get(`http://moving.example:${port}/`)).body,
  ];
  expect(bodies).toEqual([ALLOWED, ALSO_ALLOWED]);
});

test('of several addresses only those that are not denied are used', async () => {
  dns.answer = () => ({ addresses: [VICTIM, '::1', ALLOWED] });
  for (let turn = 0; turn < 3; turn++) {
    expect((await get(`http://mixed.example:${port}/`)).body).toBe(ALLOWED);
  }
  expect(events[0]).toMatchObject({ verdict: { outcome: 'ALLOW', rule: 'named' } });
});

test('an address that does not answer is followed by the next', async () => {
  enforce(`{ id: named, effect: allow, destinations: [both.example] }`);
  dns.answer = () => ({ addresses: ['::1', ALLOWED] });
  expect((await get(`http://both.example:${port}/`)).body).toBe(ALLOWED);
});

test('a name that does not exist is an answer without a stack', async () => {
  const answer = await get('http://nowhere.example/');
  expect(answer.status).toBe(502);
  expect(JSON.parse(answer.body).error.message).toBe('nowhere.example cannot be resolved: ENOTFOUND.');
  expect(events[0]).toMatchObject({ data: { status: 502, denied: false } });
});

test('a name that is denied is not looked up: it could carry data out', async () => {
  enforce(`{ id: no, effect: deny, destinations: ['*.leak.example'] }`);
  expect((await get('http://c2VjcmV0.leak.example/')).status).toBe(403);
  expect((await tunnelTo('c2VjcmV0.leak.example:443')).status).toBe('403');
  expect(dns.asked).toEqual([]);
});

test('a rule about addresses holds for names', async () => {
  enforce(`{ id: no, effect: deny, when: { address: { cidr: 203.0.113.0/24 } } }, ${NAMED}`);
  dns.answer = (name) => ({ addresses: [name === 'bad.example' ? '203.0.113.9' : ALLOWED] });
  expect((await get(`http://good.example:${port}/`)).status).toBe(200);
  expect((await get(`http://bad.example:${port}/`)).status).toBe(403);
});

test('a redirect is handed to the client, and where it leads is decided again', async () => {
  dns.answer = () => ({ addresses: [ALLOWED] });
  const location = 'http://169.254.169.254/latest/meta-data/';
  answerWith = { status: 302, headers: { location } };
  const first = await get(`http://redirecting.example:${port}/`);
  expect(first).toMatchObject({ status: 302, headers: { location } });
  const second = await get(location);
  expect(second.status).toBe(403);
  expect(second.body).toContain('builtin/metadata-address');
});

test('where policies only record, the address is reached and the verdict stands in the record', async () => {
  enforce('', 'monitor');
  dns.answer = () => ({ addresses: [VICTIM] });
  expect((await get(`http://inside.example:${port}/`)).body).toBe(VICTIM);
  expect(events[0]).toMatchObject({
    verdict: { outcome: 'DENY', rule: 'builtin/private-address', mode: 'monitor' },
    data: { denied: false, wouldBlock: true },
  });
});

test('a server is told the name, not the address that it was reached by', async () => {
  const names = Promise.withResolvers<string>();
  const { key, certificate: cert } = await (await TestAuthority.create()).issueServer();
  const server = createTlsServer({
    key,
    cert,
    SNICallback: (name, done) => {
      names.resolve(name);
      done(null);
    },
  });
  // The client does not trust this authority, which is not the point here.
  server.on('tlsClientError', () => {});
  server.listen(0, ALLOWED);
  await once(server, 'listening');
  const address = server.address();
  const tlsPort = typeof address === 'object' && address !== null ? address.port : 0;
  dns.answer = () => ({ addresses: [ALLOWED] });
  expect((await get(`https://named.example:${tlsPort}/`)).status).toBe(502);
  expect(await names.promise).toBe('named.example');
  server.close();
});

/** Everything here is 127.0.0.1, 0.0.0.0 or ::1 to somebody. */
const DISGUISES = [
  '127.0.0.1',
  'localhost',
  'LocalHost.',
  'a.localhost',
  '127.1',
  '2130706433',
  '0x7f000001',
  '017700000001',
  '0177.0.0.0x1',
  '127.0.0.1.',
  '%31%32%37.0.0.1',
  '\uff11\uff12\uff17.0.0.1',
  '0.0.0.0',
  '0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[::1%25lo]',
  '127.0.0.1.nip.example',
];

test.each(DISGUISES)('%s does not lead to this machine', async (host) => {
  enforce('');
  dns.answer = (name) => (name === '127.0.0.1.nip.example' ? { addresses: [VICTIM] } : undefined);
  const target = Buffer.from(`${host}:${port}`).toString('latin1');
  const answer = await raw(`GET http://${target}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 (403|404|400) /);
  expect(await raw(`CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1\.1 (403|400) /);
  expect(seen).toEqual([]);
});

test.each([
  '[fd00:ec2::254]',
  'metadata.google.internal',
  'METADATA.goog.',
  '2852039166',
  '0251.254.169.254',
])('%s hands out no credentials', async (host) => {
  enforce('');
  dns.answer = () => ({ addresses: ['203.0.114.1'] });
  expect((await get(`http://${host}/`)).body).toContain('builtin/metadata-address');
  expect((await tunnelTo(`${host}:80`)).status).toBe('403');
});

test('the model server of this machine is reached by default, and other ports are not', async () => {
  enforce('');
  for (const url of [
    '/ollama/api/tags',
    'http://127.0.0.1:11434/api/tags',
    'http://localhost:11434/api/tags',
  ]) {
    const { body } = await get(url);
    expect(body).not.toContain('Blocked');
  }
  expect((await get(`http://127.0.0.1:${port}/api/tags`)).status).toBe(403);
});

async function raw(text: string): Promise<string> {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.write(text, 'latin1');
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}
