import { randomUUID } from 'node:crypto';
import type { ConnectionView } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import type { DeviceConnections } from '../redis/channels.ts';
import { ConnectionBook, type ConnectionsPart } from './connection-book.ts';

const ALL: ConnectionsPart = { team: undefined, device: undefined, agent: undefined, previews: true };

function row(deviceId: string, change: Partial<ConnectionView> = {}): ConnectionView {
  return {
    id: randomUUID(),
    deviceId,
    hostname: 'laptop',
    simulated: false,
    teamId: null,
    openedAt: new Date().toISOString(),
    kind: 'request',
    process: null,
    agent: { id: 'a', name: 'bot', user: 'dev' },
    host: 'api.openai.com',
    port: 443,
    method: 'POST',
    path: '/v1/chat/completions',
    provider: 'openai',
    model: 'gpt-4o',
    outcome: 'ALLOW',
    layer: 'global',
    rule: 'default',
    policyRevision: 1,
    bytesSent: 1,
    bytesReceived: 1,
    costMicros: 1,
    costEstimated: true,
    asked: 'what was asked',
    answered: 'what was answered',
    ...change,
  };
}

function told(deviceId: string, change: Partial<DeviceConnections>): DeviceConnections {
  return { deviceId, snapshot: false, open: [], closed: [], leftOut: [], total: 1, ...change };
}

describe('the connections of an organisation', () => {
  it('of one device are not ended, changed or left out by another one that names their ids', () => {
    const book = new ConnectionBook();
    const mine = row('d1');
    book.take(told('d1', { open: [mine] }), 0);
    book.settle();
    book.take(told('d2', { snapshot: true, closed: [mine.id], leftOut: [mine.id] }), 0);
    book.take(told('d2', { open: [row('d2', { id: mine.id, host: 'evil.example' })] }), 0);
    expect(book.changes(ALL)).toMatchObject({ closed: [], gone: [] });
    expect(book.snapshot(ALL).open.map(({ deviceId, host }) => [deviceId, host])).toEqual([
      ['d1', 'api.openai.com'],
      ['d2', 'evil.example'],
    ]);
  });

  it('hides what is said from whoever may not see it, also when it ends', () => {
    const book = new ConnectionBook();
    const one = row('d1');
    book.take(told('d1', { open: [one] }), 0);
    const blind = { ...ALL, previews: false };
    expect(JSON.stringify([book.snapshot(blind), book.changes(blind)])).not.toContain('what was');
    book.settle();
    book.take(told('d1', { open: [one], closed: [one.id], total: 0 }), 0);
    const end = book.changes(blind);
    expect(end).toMatchObject({ closed: [`d1:${one.id}`], total: 0 });
    expect(JSON.stringify(end)).not.toContain('what was');
    expect(JSON.stringify(book.changes(ALL))).toContain('what was asked');
  });

  it('of another team, device or AI agent are not shown, not counted and not mentioned', () => {
    const book = new ConnectionBook();
    const other = row('d2', { teamId: 'red', agent: { id: 'b', name: 'other', user: 'dev' } });
    book.take(told('d1', { open: [row('d1', { teamId: 'blue' })] }), 0);
    book.take(told('d2', { open: [other], total: 7 }), 0);
    for (const part of [{ team: 'blue' }, { device: 'd1' }]) {
      expect(book.snapshot({ ...ALL, ...part })).toMatchObject({ open: [{ deviceId: 'd1' }], total: 1 });
    }
    expect(book.snapshot({ ...ALL, agent: 'a' }).open).toMatchObject([{ deviceId: 'd1' }]);
    book.settle();
    book.take(told('d2', { closed: [other.id], total: 6 }), 0);
    expect(book.changes({ ...ALL, team: 'blue' })).toMatchObject({ open: [], closed: [] });
    expect(book.changes({ ...ALL, team: 'red' }).closed).toHaveLength(1);
  });

  it('are bounded, and all of them counted', () => {
    const book = new ConnectionBook();
    for (let device = 0; device < 6; device += 1) {
      const id = `d${device}`;
      book.take(told(id, { open: Array.from({ length: 500 }, () => row(id)), total: 700 }), 0);
    }
    const { open, total } = book.snapshot(ALL);
    expect([open.length, total]).toEqual([2_000, 4_200]);
  });

  it('are gone, not ended, when their device begins anew, falls silent or leaves', () => {
    const book = new ConnectionBook();
    const [first, second] = [row('d1'), row('d1')];
    book.take(told('d1', { open: [first, second], total: 2 }), 0);
    book.settle();
    book.take(told('d1', { snapshot: true, open: [second] }), 39_000);
    expect(book.changes(ALL)).toMatchObject({ closed: [], gone: [`d1:${first.id}`] });
    book.settle();
    book.forgetSilent(40_000);
    expect(book.snapshot(ALL).open).toHaveLength(1);
    book.left('d1', 40_000);
    book.forgetSilent(50_000);
    expect(book.snapshot(ALL).open).toHaveLength(1);
    book.forgetSilent(53_000);
    expect(book.changes(ALL)).toMatchObject({ gone: [`d1:${second.id}`], total: 0, devices: 0 });
  });
});
