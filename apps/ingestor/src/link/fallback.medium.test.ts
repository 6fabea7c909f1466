import 'reflect-metadata';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import {
  AgentMessage,
  ControlMessage,
  joinFrames,
  LINK_PATH,
  LINK_SESSIONS_PATH,
  LINK_SUBPROTOCOL,
  MAX_FRAME_BYTES,
  splitFrames,
} from '@raypher/shared';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createApp } from '../http/create-app.ts';
import { TlsListener } from '../http/tls-listener.ts';
import { CuttingRelay } from '../testing/cutting-relay.ts';
import { forgeIdentity } from '../testing/forged-identity.ts';
import { type BytesAnswer, requestBytes } from '../testing/https-request.ts';
import { Installation } from '../testing/installation.ts';
import { TestDevice } from '../testing/test-device.ts';
import { LinkListener } from './link-listener.ts';
import { LinkServer } from './link-server.service.ts';
import { StreamRegistry } from './stream-registry.ts';

let installation: Installation;
let admin: pg.Client;
let device: TestDevice;
let other: TestDevice;
let agents: Agent[] = [];

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
});

beforeEach(async () => {
  [device, other] = [await installation.enrolDevice(), await installation.enrolDevice()];
});

afterEach(() => {
  for (const agent of agents) agent.destroy();
  agents = [];
  device.close();
  other.close();
});

afterAll(async () => {
  await admin?.end();
  await installation?.stop();
});

/** Requests of one device, on connections that are kept. */
function client(who: TestDevice, port = installation.linkPort) {
  const agent = new Agent({ ...who.tls(), keepAlive: true });
  agents.push(agent);
  return (method: string, path: string, body?: Buffer): Promise<BytesAnswer> =>
    requestBytes({ agent, host: 'localhost', port, method, path }, body);
}

type Ask = ReturnType<typeof client>;

function message(body: NonNullable<AgentMessage['body']>): Buffer {
  return Buffer.from(AgentMessage.encode({ body }).finish());
}

const events = (seq: number) => message({ $case: 'events', value: device.batch(device.record(1), seq) });

async function open(ask: Ask, who = device): Promise<string> {
  const answer = await ask('POST', LINK_SESSIONS_PATH, message({ $case: 'hello', value: who.hello() }));
  expect(answer.status).toBe(201);
  return `${LINK_SESSIONS_PATH}/${JSON.parse(answer.body.toString()).session}`;
}

/** Asks until a message of this kind is there. @returns what came until then, in order */
async function receiveUntil(ask: Ask, session: string, kind: string, from = 0) {
  const bodies: NonNullable<ControlMessage['body']>[] = [];
  for (let after = from; !bodies.some(({ $case }) => $case === kind); ) {
    const answer = await ask('GET', `${session}/receive?after=${after}`);
    expect(answer.status).toBe(200);
    for (const frame of splitFrames(answer.body)) {
      const { body } = ControlMessage.decode(frame);
      if (body !== undefined) bodies.push(body);
      after += 1;
    }
  }
  return bodies;
}

function codeOf({ status, body }: BytesAnswer): unknown {
  return { status, code: JSON.parse(body.toString()).error.code };
}

async function stored(): Promise<number> {
  const { rows } = await admin.query('SELECT count(*)::int AS n FROM events WHERE device_id = $1', [
    device.id,
  ]);
  return rows[0].n;
}

describe('a session of requests', () => {
  it('is closed to another device that knows its name, which changes nothing for its own', async () => {
    const [ask, thief] = [client(device), client(other)];
    const session = await open(ask);
    const refused = { status: 403, code: 'device/identity-mismatch' };
    expect(codeOf(await thief('GET', `${session}/receive?after=0`))).toEqual(refused);
    expect(codeOf(await thief('POST', `${session}/send?seq=2`, joinFrames([events(1)])))).toEqual(refused);
    expect(codeOf(await thief('DELETE', session))).toEqual(refused);
    await receiveUntil(ask, session, 'eventAck');
    device.head = { seq: 0, hash: '0'.repeat(64) };
    expect((await ask('POST', `${session}/send?seq=2`, joinFrames([events(1)]))).status).toBe(200);
    await expect.poll(stored).toBe(1);
  });

  it('is closed to a forged certificate with the same names, and to none at all', async () => {
    const session = await open(client(device));
    const forged = await forgeIdentity(device);
    for (const identity of [{ key: forged.key, cert: forged.certificate }, {}]) {
      const answer = await requestBytes({
        ...identity,
        ca: device.ca,
        host: 'localhost',
        port: installation.linkPort,
        method: 'GET',
        path: `${session}/receive?after=0`,
      });
      expect(codeOf(answer)).toEqual({
        status: 401,
        code: 'key' in identity ? 'device/certificate-unknown' : 'device/certificate-missing',
      });
    }
  });

  it('takes a request that is repeated once, also when both are on their way', async () => {
    const ask = client(device);
    const session = await open(ask);
    await receiveUntil(ask, session, 'eventAck');
    const body = joinFrames([events(1), events(2), events(3)]);
    const send = () => ask('POST', `${session}/send?seq=2`, body).catch(() => undefined);
    await Promise.all([send(), send(), send()]);
    expect((await send())?.status).toBe(200);
    // A batch that was taken twice would break the chain and end the stream; so would one that was lost.
    expect((await ask('POST', `${session}/send?seq=5`, joinFrames([events(4)]))).status).toBe(200);
    await expect.poll(stored).toBe(4);
    expect(installation.link.get(StreamRegistry).find(device.id)?.isOpen).toBe(true);
  });

  it('refuses a request before which messages are missing', async () => {
    const ask = client(device);
    const session = await open(ask);
    const answer = await ask('POST', `${session}/send?seq=4`, joinFrames([events(1)]));
    expect(codeOf(answer)).toEqual({ status: 400, code: 'link/protocol' });
    expect(await stored()).toBe(0);
  });

  it('gives a message again until it is acknowledged, and then never more', async () => {
    const ask = client(device);
    const session = await open(ask);
    await receiveUntil(ask, session, 'pace');
    const first = splitFrames((await ask('GET', `${session}/receive?after=0`)).body);
    const again = splitFrames((await ask('GET', `${session}/receive?after=0`)).body);
    expect(again).toEqual(first);
    const rest = splitFrames((await ask('GET', `${session}/receive?after=1`)).body);
    expect(rest).toEqual(first.slice(1));
    const back = await ask('GET', `${session}/receive?after=0`);
    expect(codeOf(back)).toEqual({ status: 400, code: 'link/protocol' });
    const ahead = await ask('GET', `${session}/receive?after=${first.length + 1}`);
    expect(codeOf(ahead)).toEqual({ status: 400, code: 'link/protocol' });
  });

  it('answers an older request for messages with nothing when a newer one is there', async () => {
    const ask = client(device);
    const session = await open(ask);
    const known = (await receiveUntil(ask, session, 'pace')).length;
    const older = ask('GET', `${session}/receive?after=${known}`);
    const newer = ask('GET', `${session}/receive?after=${known}`);
    expect(splitFrames((await older).body)).toEqual([]);
    await ask('POST', `${session}/send?seq=2`, joinFrames([events(1)]));
    expect(splitFrames((await newer).body).length).toBeGreaterThan(0);
  });

  it('is not there for names that were never given, and for what is no number', async () => {
    const ask = client(device);
    const unknown = `${LINK_SESSIONS_PATH}/${'A'.repeat(43)}`;
    const elsewhere = { status: 404, code: 'link/session-elsewhere' };
    expect(codeOf(await ask('GET', `${unknown}/receive?after=0`))).toEqual(elsewhere);
    expect(codeOf(await ask('POST', `${unknown}/send?seq=2`, Buffer.alloc(0)))).toEqual(elsewhere);
    const session = await open(ask);
    for (const number of ['', '-1', '1e9', '%00', '9'.repeat(16)]) {
      const answer = await ask('GET', `${session}/receive?after=${number}`);
      expect(codeOf(answer)).toEqual({ status: 400, code: 'link/protocol' });
    }
    for (const path of ['/', '//', LINK_PATH, `${LINK_SESSIONS_PATH}/..`, `${LINK_SESSIONS_PATH}?x=1/send`]) {
      expect(codeOf(await ask('GET', path))).toEqual({ status: 404, code: 'request/not-found' });
    }
  });

  it('refuses bodies that are too large, by what they say and by what they are, and those that are no messages', async () => {
    const ask = client(device);
    const session = await open(ask);
    const large = Buffer.alloc(MAX_FRAME_BYTES + 9);
    const tooLarge = { status: 413, code: 'request/too-large' };
    expect(codeOf(await ask('POST', `${session}/send?seq=2`, large))).toEqual(tooLarge);
    const unsaid = await requestBytes(
      {
        ...device.tls(),
        host: 'localhost',
        port: installation.linkPort,
        method: 'POST',
        path: `${session}/send?seq=2`,
        headers: { 'transfer-encoding': 'chunked' },
      },
      large,
    );
    expect(codeOf(unsaid)).toEqual(tooLarge);
    const cut = joinFrames([events(1)]).subarray(0, -1);
    expect(codeOf(await ask('POST', `${session}/send?seq=2`, cut))).toEqual({
      status: 400,
      code: 'link/protocol',
    });
    expect(await stored()).toBe(0);
  });

  it('is one of two at most for each certificate: opening more ends the oldest', async () => {
    const ask = client(device);
    const sessions: string[] = [];
    for (let count = 0; count < 5; count += 1) sessions.push(await open(ask));
    const answers = await Promise.all(
      sessions.slice(0, 3).map((session) => ask('GET', `${session}/receive?after=0`)),
    );
    expect(answers.map(codeOf)).toEqual(Array(3).fill({ status: 404, code: 'link/session-elsewhere' }));
    await receiveUntil(ask, sessions[4] ?? '', 'eventAck');
  });

  it('keeps no more than a few answers for a device that asks again and again and reads none', async () => {
    const ask = client(device);
    const session = await open(ask);
    const socket = connectTls({ ...device.tls(), host: 'localhost', port: installation.linkPort });
    socket.on('error', () => undefined);
    const request = `GET ${session}/receive?after=0 HTTP/1.1\r\nhost: localhost\r\n\r\n`;
    socket.write(request.repeat(100));
    socket.resume();
    await once(socket, 'close');
    await receiveUntil(ask, session, 'pace');
  });

  describe('with a second process behind the same address', () => {
    let second: Awaited<ReturnType<typeof createApp>>;
    let port: number;
    let balancer: CuttingRelay;

    beforeAll(async () => {
      second = await createApp(installation.configOf('link', { RAYPHER_LINK_PORT: '0' }));
      await second.listen(0, '127.0.0.1');
      port = await second.get(LinkServer).listen();
    });

    beforeEach(async () => {
      balancer = await CuttingRelay.start(installation.linkPort);
    });

    afterEach(() => balancer.stop());

    afterAll(() => second?.close());

    it('goes on when connections are led there in turn', async () => {
      balancer.to = [installation.linkPort, port];
      const stream = await device.openOver('long-poll', balancer.port);
      for (let seq = 1; seq <= 5; seq += 1) {
        stream.send({ $case: 'events', value: device.batch(device.record(1), seq) });
        await stream.durable(seq);
        // All connections are new ones for the next.
        balancer.cutAll();
      }
      expect(await Promise.race([stream.ended, undefined])).toBeUndefined();
      expect(await stored()).toBe(5);
    });

    it('is over when its own process is not reached any more: the device opens a new one and loses nothing', async () => {
      const entries = device.record(2);
      const stream = device.connectOver('long-poll', balancer.port);
      stream.send({ $case: 'hello', value: device.hello() });
      await stream.next('eventAck');
      balancer.to = [port];
      balancer.cutAll();
      stream.send({ $case: 'events', value: device.batch(entries.slice(0, 1), 1) });
      expect(await stream.ended).toMatchObject({
        code: undefined,
        details: expect.stringContaining('another process'),
      });
      const anew = device.connectOver('long-poll', balancer.port);
      anew.send({ $case: 'hello', value: device.hello() });
      expect((await anew.next('eventAck')).durableThroughSeq).toBe(0n);
      anew.send({ $case: 'events', value: device.batch(entries, 1) });
      await anew.durable(2);
      expect(await stored()).toBe(2);
    });
  });
});

it('devices are told the port that something in front maps to the link', async () => {
  const api = await createApp(installation.configOf('api', { RAYPHER_LINK_PUBLIC_PORT: '443' }));
  try {
    await api.init();
    const tlsPort = await api.get(TlsListener).listen();
    const behind = await TestDevice.enrol(tlsPort, await installation.createToken());
    expect(behind.answer.link.port).toBe(443);
    expect(String(device.answer.link.port)).toBe(installation.environment.RAYPHER_LINK_PORT);
  } finally {
    await api.close();
  }
});

describe('a WebSocket', () => {
  const webSocket = (path = LINK_PATH, protocol: string[] = [LINK_SUBPROTOCOL], tls: object = device.tls()) =>
    new WebSocket(`wss://localhost:${installation.linkPort}${path}`, protocol, {
      ...tls,
      perMessageDeflate: false,
    });

  /** What an attempt to open one is answered with. */
  async function answerTo(socket: WebSocket): Promise<unknown> {
    socket.on('error', () => undefined);
    const [, response] = await once(socket, 'unexpected-response');
    let text = '';
    for await (const chunk of response) text += chunk;
    return { status: response.statusCode, code: JSON.parse(text).error.code };
  }

  it('is opened at its path, for its protocol and to certificates of ours alone', async () => {
    const notFound = { status: 404, code: 'request/not-found' };
    expect(await answerTo(webSocket('/v1/other'))).toEqual(notFound);
    expect(await answerTo(webSocket(LINK_PATH, []))).toEqual(notFound);
    expect(await answerTo(webSocket(LINK_PATH, ['chat']))).toEqual(notFound);
    const nobody = { ca: device.ca };
    expect(await answerTo(webSocket(LINK_PATH, [LINK_SUBPROTOCOL], nobody))).toEqual({
      status: 401,
      code: 'device/certificate-missing',
    });
    const forged = await forgeIdentity(device);
    const identity = { ca: device.ca, key: forged.key, cert: forged.certificate };
    expect(await answerTo(webSocket(LINK_PATH, [LINK_SUBPROTOCOL], identity))).toEqual({
      status: 401,
      code: 'device/certificate-unknown',
    });
  });

  it('ends with the code of a refusal, for text, for bytes that are no message and for a Hello of another device', async () => {
    for (const [first, code] of [
      ['hello', 'link/protocol'],
      [Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]), 'link/protocol'],
      [message({ $case: 'hello', value: other.hello() }), 'device/identity-mismatch'],
    ] as const) {
      const socket = webSocket();
      await once(socket, 'open');
      socket.send(first);
      const [status, reason] = await once(socket, 'close');
      expect({ status, reason: String(reason) }).toEqual({ status: 4000, reason: code });
    }
  });

  it('that is refused is closed by us, also when the other end leaves its half open', async () => {
    const socket = connectTls({
      ca: device.ca,
      host: 'localhost',
      port: installation.linkPort,
      allowHalfOpen: true,
    } as ConnectionOptions);
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    const name = `${socket.localAddress}:${socket.localPort}`;
    const listener = installation.link.get(LinkListener);
    await expect.poll(() => listener.peer(name)).toBeDefined();
    socket.write(
      `GET ${LINK_PATH} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
    );
    socket.resume();
    await once(socket, 'end');
    await expect.poll(() => listener.peer(name)).toBeUndefined();
    socket.destroy();
  });

  it('that says Hello many times in one piece is refused', async () => {
    const socket = connectTls({ ...device.tls(), host: 'localhost', port: installation.linkPort });
    socket.write(
      `GET ${LINK_PATH} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
        `sec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16).toString('base64')}\r\n` +
        `sec-websocket-protocol: ${LINK_SUBPROTOCOL}\r\n\r\n`,
    );
    await once(socket, 'data');
    const hello = message({ $case: 'hello', value: device.hello() });
    // A binary frame (RFC 6455 §5.2), masked with zeros.
    const length = Buffer.alloc(2);
    length.writeUInt16BE(hello.length);
    const frame = Buffer.concat([Buffer.from([0x82, 0x80 | 126]), length, Buffer.alloc(4), hello]);
    socket.write(Buffer.concat(Array(50).fill(frame)));
    let said = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      said = Buffer.concat([said, bytes]);
    });
    await expect.poll(() => said.includes('link/protocol')).toBe(true);
    socket.destroy();
  });

  it('that pings without end and reads no answer is not answered without end', async () => {
    const socket = webSocket();
    await once(socket, 'open');
    socket.send(message({ $case: 'hello', value: device.hello() }));
    await once(socket, 'message');
    const before = process.memoryUsage().arrayBuffers;
    socket.pause();
    const payload = Buffer.alloc(125);
    let sent = 0;
    for (; sent < 400_000 && socket.bufferedAmount < 32 * 1024 * 1024; sent += 1) {
      socket.ping(payload, true);
      if (sent % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const held = installation.link.get(StreamRegistry).find(device.id);
    expect(sent).toBeGreaterThan(100_000);
    // The answers alone would be 40 MB in this process, which is both ends.
    expect(process.memoryUsage().arrayBuffers - before - socket.bufferedAmount).toBeLessThan(
      24 * 1024 * 1024,
    );
    expect(held?.line.isFull).toBe(true);
    socket.terminate();
  });
});

it.each(['GET / HTTP/1.1\r\nhost: x\r\n', ''])(
  'a connection that says no more than %j is closed',
  { timeout: 40_000 },
  async (beginning) => {
    const socket = connectTls({
      ...device.tls(),
      host: 'localhost',
      port: installation.linkPort,
      ALPNProtocols: ['http/1.1'],
    });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    const began = performance.now();
    socket.write(beginning);
    socket.resume();
    await once(socket, 'close');
    // After ten seconds, which are looked at every five; one that is only idle would be left alone for thirty.
    expect(performance.now() - began).toBeLessThan(25_000);
  },
);

it('a WebSocket that never says Hello is closed', { timeout: 40_000 }, async () => {
  const { ended } = device.connectOver('websocket', installation.linkPort);
  expect(await ended).toMatchObject({ code: 'link/protocol', details: expect.stringMatching(/ten seconds/) });
});
