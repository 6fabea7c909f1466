import type { Incident } from '@raypher/shared/rest';
import { expect, test } from 'vitest';
import { queryOf, readFilter } from './incident-filter.ts';
import { newSince } from './new-since.ts';
import { sentence } from './words.ts';

const incident: Incident = {
  id: '0f8fad5b-d9cb-469f-a165-70867728950e',
  deviceId: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  hostname: 'laptop',
  simulated: false,
  agent: { id: 'a', name: 'bot.py', user: 'ann' },
  direction: 'out',
  host: 'api.example.com',
  provider: 'openai',
  model: 'gpt-x',
  classes: ['credential', 'national-id'],
  detectors: ['openai-api-key'],
  places: ['message'],
  outcome: 'alert',
  wouldBlock: true,
  severity: 'critical',
  findings: 1,
  occurrences: 2,
  firstAt: '2026-11-30T00:00:00.000Z',
  lastAt: '2026-11-30T00:01:00.000Z',
  lastSeq: 7,
  status: 'open',
  assignee: null,
  resolvedAt: null,
  resolvedBy: null,
};

test('what passed because a policy only monitors never reads like a block', () => {
  expect(sentence(incident)).toBe(
    'bot.py sent data (credential, national id) to api.example.com, 2 times. It passed and was recorded. A policy that only monitors would have blocked it.',
  );
});

test('without a status those are asked for that nobody has closed', () => {
  expect(queryOf(readFilter(() => ''))).toEqual({ status: 'active' });
});

test('what means nothing in a link is left out', () => {
  const link: Record<string, string> = { status: 'gone', device: 'x', outcome: 'block', from: 'yesterday' };
  expect(queryOf(readFilter((name) => link[name] ?? ''))).toEqual({ status: 'active', outcome: 'block' });
});

test('new to a reader is what is not on the screen, or has happened again since', () => {
  const again = { ...incident, lastAt: '2026-11-30T00:02:00.000Z' };
  const other = { ...incident, id: '1f8fad5b-d9cb-469f-a165-70867728950e' };
  expect(newSince([incident], [incident])).toBe(0);
  expect(newSince([again, incident], [incident])).toBe(1);
  expect(newSince([other, incident], [incident])).toBe(1);
});
