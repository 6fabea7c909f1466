import { expect, test } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import { cutConnection, cutOf } from './cut-connection.ts';
import { LiveConnections } from './live-connections.ts';

test('who ended a connection, and why, is recorded once; a second time it is not open any more', () => {
  const connections = new LiveConnections();
  const recorded: EventDraft[] = [];
  const record = (event: EventDraft) => recorded.push(event);
  const { state, cut } = connections.open({
    kind: 'request',
    process: { pid: 7, startTime: 9 },
    agent: { id: 'a', name: 'bot', user: 'dev' },
    host: 'api.openai.com',
    port: 443,
    method: 'POST',
    path: '/v1/chat/completions',
    provider: 'openai',
    model: 'gpt-4o',
    rule: { layer: 'global', id: 'default', revision: 3 },
  });
  state.asked = 'something masked';
  const wanted = cutOf({
    kind: 'command',
    id: crypto.randomUUID(),
    organisation: crypto.randomUUID(),
    device: crypto.randomUUID(),
    verb: 'cut-connection',
    arguments: { connection: state.id, by: 'ada@example.test' },
    reason: 'Runaway loop',
    issuedAt: new Date().toISOString(),
    expiresAt: new Date().toISOString(),
  });
  expect(cutConnection(connections, record, wanted)).toMatchObject({ host: 'api.openai.com', agent: 'bot' });
  expect(cut.aborted).toBe(true);
  expect(recorded).toMatchObject([
    {
      type: 'connection.cut',
      actor: { kind: 'control-plane' },
      target: 'api.openai.com/v1/chat/completions',
      data: { connection: state.id, by: 'ada@example.test', reason: 'Runaway loop', pid: 7 },
    },
  ]);
  // The record is kept for years; what was said is not.
  expect(JSON.stringify(recorded)).not.toContain('something masked');
  expect(() => cutConnection(connections, record, wanted)).toThrow(/not open any more/);
  expect(recorded).toHaveLength(1);
});
