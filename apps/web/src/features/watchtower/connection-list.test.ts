import type { ConnectionsBatch, ConnectionView } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { EMPTY_LIST, ENDED_FOR_MS, receive, release, spentPerMinute } from './connection-list.ts';

function row(id: string, change: Partial<ConnectionView> = {}): ConnectionView {
  return {
    id,
    deviceId: 'd',
    hostname: 'laptop',
    simulated: false,
    teamId: null,
    openedAt: `2026-01-01T00:00:0${id}.000Z`,
    kind: 'request',
    process: null,
    agent: null,
    host: 'api.openai.com',
    port: 443,
    method: 'POST',
    path: '/v1/chat/completions',
    provider: 'openai',
    model: null,
    outcome: 'ALLOW',
    layer: 'global',
    rule: 'default',
    policyRevision: 1,
    bytesSent: 0,
    bytesReceived: 0,
    costMicros: null,
    costEstimated: true,
    asked: '',
    answered: '',
    ...change,
  };
}

function batch(change: Partial<ConnectionsBatch>): ConnectionsBatch {
  return { snapshot: false, open: [], closed: [], gone: [], total: 1, devices: 1, ...change };
}

const looking = (now: number) => ({ reading: false, now });
const reading = (now: number) => ({ reading: true, now });
const start = receive(EMPTY_LIST, batch({ snapshot: true, open: [row('1'), row('2')] }), looking(0));
const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);

describe('the list of live connections', () => {
  it('shows the newest first', () => {
    expect(ids(start.shown)).toEqual(['2', '1']);
    expect(ids(receive(start, batch({ open: [row('3')] }), looking(1)).shown)).toEqual(['3', '2', '1']);
  });

  it('moves nothing while somebody reads: new rows are held, others change where they are', () => {
    const later = receive(
      start,
      batch({ open: [row('3'), row('1', { bytesReceived: 9 })], closed: ['d:2'] }),
      reading(1),
    );
    expect(later.shown).toMatchObject([
      { id: '2', endedAt: 1 },
      { id: '1', bytesReceived: 9 },
    ]);
    expect(ids(later.held)).toEqual(['3']);
    expect(ids(release(later, 2).shown)).toEqual(['3', '2', '1']);
    expect(ids(release(later, 1 + ENDED_FOR_MS).shown)).toEqual(['3', '1']);
  });

  it('keeps what ended for a few seconds, with its last state, also what was too short to be seen before', () => {
    const ended = receive(
      start,
      batch({ open: [row('2', { costMicros: 7 }), row('4')], closed: ['d:2', 'd:4'] }),
      looking(10),
    );
    expect(ended.shown).toMatchObject([
      { id: '4', endedAt: 10 },
      { id: '2', endedAt: 10, costMicros: 7 },
      { id: '1', endedAt: undefined },
    ]);
    expect(ids(release(ended, 10 + ENDED_FOR_MS).shown)).toEqual(['1']);
  });

  it('does not say of a connection that it ended when only nobody hears of it any more', () => {
    expect(ids(receive(start, batch({ gone: ['d:2'] }), reading(1)).shown)).toEqual(['1']);
    expect(ids(receive(start, batch({ snapshot: true, open: [row('1')] }), reading(1)).shown)).toEqual(['1']);
  });

  it('reckons what is spent per minute out of what grew since it looks', () => {
    const first = receive(
      EMPTY_LIST,
      batch({ snapshot: true, open: [row('1', { costMicros: 1_000_000 })] }),
      looking(0),
    );
    expect(spentPerMinute(first, 1_000)).toBeUndefined();
    const grown = receive(
      first,
      batch({ open: [row('1', { costMicros: 1_000_500 }), row('2', { costMicros: 500 })] }),
      looking(9_000),
    );
    expect(spentPerMinute(grown, 30_000)).toBe(2_000);
    expect(spentPerMinute(grown, 90_000)).toBe(0);
  });
});
