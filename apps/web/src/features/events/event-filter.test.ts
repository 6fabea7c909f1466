import type { EventView } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { matchesFilter, misreadFilters, readFilter } from './event-filter.ts';

const DEVICE = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';

const event: EventView = {
  position: '7',
  deviceId: DEVICE,
  hostname: 'build-04',
  simulated: false,
  seq: 7,
  occurredAt: '2026-11-20T10:00:00.000Z',
  receivedAt: '2026-11-20T10:00:00.080Z',
  type: 'network.request',
  severity: 'warning',
  actor: { kind: 'ai-agent', id: 'a'.repeat(64), name: 'research-bot' },
  action: 'call',
  target: 'api.deepseek.com/v1/chat',
  outcome: 'DENY',
  mode: 'enforce',
  rule: 'no-deepseek',
  policyRevision: 13,
};

const getter = (query: string) => {
  const parameters = new URLSearchParams(query);
  return (name: string) => parameters.get(name) ?? '';
};
const filterOf = (query: string) => readFilter(getter(query));

describe('the event filter', () => {
  it.each([
    ['', true],
    [`device=${DEVICE}`, true],
    ['device=6f9619ff-8b86-4d01-b42d-00cf4fc964aa', false],
    ['outcome=DENY', true],
    ['outcome=ALLOW', false],
    ['type=freeze.frozen', false],
    ['severity=warning', true],
    ['severity=critical', false],
    [`agent=${'a'.repeat(64)}`, true],
    [`agent=${'b'.repeat(64)}`, false],
    ['model=gpt-5', false],
    ['provider=openai', false],
    ['from=2026-11-20T09:59:59.000Z', true],
    ['from=2026-11-20T10:00:01.000Z', false],
    ['to=2026-11-20T09:00:00.000Z', false],
    ['q=DEEPSEEK', true],
    ['q=no-deepseek', true],
    ['q=anthropic', false],
  ])('with "%s" lets the event through: %s', (query, expected) => {
    expect(matchesFilter(event, filterOf(query))).toBe(expected);
  });

  it('says which values of the URL mean nothing, and leaves them out', () => {
    expect(filterOf('device=1&outcome=MAYBE&from=yesterday')).toMatchObject({
      device: '',
      outcome: undefined,
      from: '',
    });
    expect(misreadFilters(getter('device=1&outcome=MAYBE&from=yesterday&severity=critical'))).toEqual([
      { name: 'device', value: '1' },
      { name: 'outcome', value: 'MAYBE' },
      { name: 'from', value: 'yesterday' },
    ]);
  });
});
