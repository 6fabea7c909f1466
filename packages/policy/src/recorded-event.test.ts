import { describe, expect, test } from 'vitest';
import { decide } from './decide.ts';
import { type RecordedEvent, recordedRequests, requestOfEvent } from './recorded-event.ts';
import { snapshotOf } from './testing.ts';

const at = '2026-11-30T12:00:00.000Z';
const coder = { kind: 'ai-agent', id: 'a1', name: 'coder', user: 'kim' };
const agent = {
  id: 'a1',
  name: 'coder',
  user: 'kim',
  libraries: null,
  team: null,
  labels: null,
  trust: null,
};
const event = (type: string, rest: Partial<RecordedEvent> = {}): RecordedEvent => ({
  type,
  at,
  actor: coder,
  action: 'call',
  target: '',
  data: {},
  ...rest,
});
const call = event('network.request', {
  target: 'api.openai.com/v1/chat/completions',
  data: { host: 'api.openai.com', port: 443, method: 'POST', provider: 'openai', model: 'gpt-5' },
});

describe('the request that an entry is the record of', () => {
  test('a call of a model', () => {
    expect(requestOfEvent(call)).toEqual({
      action: 'model.call',
      host: 'api.openai.com',
      port: 443,
      method: 'POST',
      path: '/v1/chat/completions',
      provider: 'openai',
      model: 'gpt-5',
      agent,
      at: Date.parse(at),
    });
  });

  test('a connection to an address that was looked up, or that the configuration of the device led elsewhere', () => {
    const at = (data: object) => requestOfEvent({ ...call, data: { ...call.data, ...data } });
    expect(at({ address: '10.0.0.5', localChoice: 'provider' })).toMatchObject({
      address: '10.0.0.5',
      localChoice: 'provider',
    });
    expect(at({ localChoice: 'mapped' })).toMatchObject({ localChoice: 'mapped' });
    expect(at({ localChoice: 'other' })).not.toHaveProperty('localChoice');
  });

  test('a call whose model could not be read, and one that has none', () => {
    const unread = requestOfEvent({ ...call, data: { ...call.data, model: 'unknown' } });
    expect(unread).toMatchObject({ action: 'model.call', model: null });
    const { model: _, ...without } = call.data;
    expect(requestOfEvent({ ...call, data: without })).toMatchObject({
      action: 'network.connect',
      provider: 'openai',
      model: undefined,
    });
  });

  test.each<[RecordedEvent, object]>([
    [
      event('network.tunnel', { target: 'x.example:8443', data: { host: 'x.example', port: 8443 } }),
      { action: 'network.connect', host: 'x.example', port: 8443 },
    ],
    [
      event('dlp.found', {
        target: 'api.openai.com/v1',
        data: {
          direction: 'out',
          host: 'api.openai.com',
          detectors: ['email', 'iban'],
          classes: ['contact'],
        },
      }),
      {
        action: 'data.out',
        host: 'api.openai.com',
        findings: [
          { class: 'contact', detector: 'email' },
          { class: 'contact', detector: 'iban' },
        ],
      },
    ],
    [
      event('gate.decided', { action: 'file.write', target: '/srv/x' }),
      { action: 'file.write', path: '/srv/x' },
    ],
    [
      event('gate.decided', { action: 'tool.call', target: 'query', data: { server: 'db' } }),
      { action: 'tool.call', tool: 'query', server: 'db', arguments: null },
    ],
    [
      event('gate.decided', { action: 'process.exec', target: '/bin/rm -rf x' }),
      { action: 'process.exec', command: '/bin/rm', arguments: null },
    ],
  ])('%j', (recorded, request) => {
    expect(requestOfEvent(recorded)).toMatchObject({ ...request, at: Date.parse(at) });
  });

  test('nobody, and nobody that could be identified', () => {
    const unknown = { kind: 'process', id: '', name: 'unknown process' };
    expect(requestOfEvent({ ...call, actor: unknown })?.agent).toBeNull();
    expect(
      requestOfEvent({ ...call, actor: { kind: 'process', id: '', name: 'process 7' } })?.agent,
    ).toBeUndefined();
  });

  test('is not made up for entries that are about something else, or do not say enough', () => {
    const others = [
      event('agent.started'),
      event('policy.applied'),
      event('network.request'),
      event('gate.decided', { action: 'clipboard.read', target: 'x' }),
      event('gate.decided', { action: 'package.install', target: 'left-pad' }),
    ];
    expect(others.map(requestOfEvent)).toEqual(others.map(() => undefined));
    expect(recordedRequests([...others, call])).toHaveLength(1);
  });
});

test('what was not recorded matches rules that restrict and none that permit', () => {
  const decided = (rule: string) => {
    const request = requestOfEvent(call);
    if (request === undefined) throw new Error('expected a request');
    return decide(snapshotOf(`network: { default: allow, rules: [{ id: r, ${rule} }] }`), request).rule;
  };
  for (const matcher of [
    'agents: { libraries: [langchain] }',
    'agents: { teams: [red] }',
    "agents: { labels: ['a=b'] }",
    'when: { agent.trust: { lt: 5 } }',
  ]) {
    expect(decided(`effect: deny, ${matcher}`)).toBe('r');
    expect(decided(`effect: allow, ${matcher}`)).toBe('network/default');
  }
});
