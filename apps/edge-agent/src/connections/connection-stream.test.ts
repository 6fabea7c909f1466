import { AgentMessage, type LiveConnections as ConnectionsMessage, MAX_FRAME_BYTES } from '@raypher/shared';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ConnectionStream, MOST_TOLD } from './connection-stream.ts';
import { LiveConnections } from './live-connections.ts';

let connections: LiveConnections;
let sent: ConnectionsMessage[];
let isReady: boolean;
let stream: ConnectionStream;

beforeEach(() => {
  vi.useFakeTimers();
  connections = new LiveConnections();
  sent = [];
  isReady = true;
  stream = new ConnectionStream({
    connections,
    send: (message) => sent.push(message),
    ready: () => isReady,
  });
});
afterEach(() => {
  stream.close();
  vi.useRealTimers();
});

function open(host = 'api.openai.com', path = '/v1/chat/completions') {
  return connections.open({
    kind: 'request',
    process: { pid: 7, startTime: 9 },
    agent: { id: 'ab'.repeat(32), name: 'bot', user: 'dev' },
    host,
    port: 443,
    method: 'POST',
    path,
    provider: 'openai',
    model: 'gpt-4o',
    rule: { layer: 'global', id: 'default', revision: 3 },
  });
}

test('nobody watches: nothing is told, nothing is prepared, no timer runs', () => {
  open();
  open().close();
  expect(vi.getTimerCount()).toBe(0);
  expect(sent).toEqual([]);
  stream.watch(250);
  vi.advanceTimersByTime(1_000);
  stream.watch(0);
  open().close();
  vi.advanceTimersByTime(60_000);
  expect(sent).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('a watch begins with everything that is open, and begins so again for the next one who asks', () => {
  const first = open();
  stream.watch(250);
  vi.advanceTimersByTime(0);
  expect(sent).toMatchObject([{ snapshot: true, open: [{ id: first.state.id }], closed: [], total: 1 }]);
  stream.watch(250);
  vi.advanceTimersByTime(250);
  expect(sent[1]).toMatchObject({ snapshot: true, open: [{ id: first.state.id }] });
});

test('the first change is told at once, the others are gathered to four messages a second', () => {
  stream.watch(1);
  vi.advanceTimersByTime(5_000);
  sent.length = 0;
  const { state } = open();
  vi.advanceTimersByTime(0);
  expect(sent).toHaveLength(1);
  for (let tick = 0; tick < 100; tick += 1) {
    state.bytesReceived += 10;
    open().close();
    vi.advanceTimersByTime(10);
  }
  expect(sent.length).toBeGreaterThanOrEqual(4);
  expect(sent.length).toBeLessThanOrEqual(5);
  const rows = sent.flatMap((message) => message.open).filter(({ id }) => id === state.id);
  expect(rows.at(-1)?.bytesReceived).toBeGreaterThan(700n);
});

test('only what changed is told again, with its money and its previews', () => {
  const still = open();
  const busy = open();
  stream.watch(250);
  vi.advanceTimersByTime(0);
  busy.state.costMicros = 42;
  busy.state.costEstimated = true;
  busy.state.asked = 'tell me';
  busy.measure(() => ({ bytesSent: 77 }));
  vi.advanceTimersByTime(250);
  expect(sent).toHaveLength(2);
  expect(sent[1]?.open).toMatchObject([
    { id: busy.state.id, costMicros: 42n, costEstimated: true, asked: 'tell me', bytesSent: 77n },
  ]);
  vi.advanceTimersByTime(5_000);
  expect(sent).toHaveLength(2);
  still.close();
  vi.advanceTimersByTime(250);
  expect(sent[2]).toMatchObject({ open: [], closed: [still.state.id] });
});

test('a connection that was too short to be told is told with its end', () => {
  stream.watch(250);
  vi.advanceTimersByTime(1);
  const short = open();
  short.state.bytesReceived = 5;
  short.close();
  vi.advanceTimersByTime(250);
  expect(sent[1]).toMatchObject({
    open: [{ id: short.state.id, bytesReceived: 5n }],
    closed: [short.state.id],
  });
});

test('the newest 500 are told and the others counted; the place of one that ended is taken by an older one', () => {
  const all = Array.from({ length: MOST_TOLD + 20 }, () => open());
  stream.watch(250);
  vi.advanceTimersByTime(0);
  expect(sent[0]?.open).toHaveLength(MOST_TOLD);
  expect(sent[0]?.total).toBe(MOST_TOLD + 20);
  expect(sent[0]?.open.map(({ id }) => id)).not.toContain(all[0]?.state.id);
  const newer = open();
  vi.advanceTimersByTime(250);
  expect(sent[1]).toMatchObject({
    open: [{ id: newer.state.id }],
    closed: [],
    leftOut: [all[20]?.state.id],
    total: MOST_TOLD + 21,
  });
  newer.close();
  vi.advanceTimersByTime(250);
  expect(sent[2]).toMatchObject({
    open: [{ id: all[20]?.state.id }],
    closed: [newer.state.id],
    total: MOST_TOLD + 20,
  });
});

test('a message fits into a frame whatever is open, and everything is told in the end', () => {
  const long = (length: number) => '€'.repeat(length);
  const all = Array.from({ length: MOST_TOLD }, () => {
    const one = open(long(300), long(9_000));
    one.state.asked = long(240);
    one.state.answered = long(240);
    return one;
  });
  stream.watch(250);
  vi.advanceTimersByTime(0);
  for (const one of all.slice(0, 250)) one.close();
  vi.advanceTimersByTime(2_000);
  for (const value of sent) {
    const frame = AgentMessage.encode({ body: { $case: 'connections', value } }).finish();
    expect(frame.length).toBeLessThan(MAX_FRAME_BYTES);
    for (const row of value.open) {
      expect(row.path.length).toBeLessThanOrEqual(512);
      expect(row.asked.length).toBeLessThanOrEqual(240);
    }
  }
  const told = new Set(sent.flatMap((message) => message.open.map(({ id }) => id)));
  const closed = new Set(sent.flatMap((message) => message.closed));
  for (const [index, { state }] of all.entries()) {
    if (index < 250) expect(closed.has(state.id)).toBe(true);
    else expect(told.has(state.id)).toBe(true);
  }
});

test('a line that does not keep up gets the newest state later, once', () => {
  const { state } = open();
  stream.watch(250);
  isReady = false;
  vi.advanceTimersByTime(3_000);
  expect(sent).toEqual([]);
  state.bytesReceived = 9;
  isReady = true;
  vi.advanceTimersByTime(250);
  expect(sent).toMatchObject([{ snapshot: true, open: [{ bytesReceived: 9n }] }]);
});

test('a quiet device shows that it is still there', () => {
  open();
  stream.watch(250);
  vi.advanceTimersByTime(25_000);
  expect(sent.slice(1)).toMatchObject([
    { open: [], total: 1 },
    { open: [], total: 1 },
  ]);
});
