import { createScanner, DETECTORS, hmacSha256, inspectBody, inspectUrl } from '@raypher/dlp';
import { expect, test } from 'vitest';
import { type FoundFacts, foundEvent, locatedFindings } from './found-event.ts';

const scanner = createScanner({ detectors: DETECTORS });
const keyedHash = hmacSha256(new Uint8Array(32).fill(9));
const KEY = ['sk', 'proj', 'Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd4fGh7j'].join('-');
const CARD = ['4242', '4242', '4242', '4242'].join(' ');
const blocked = {
  outcome: 'DENY',
  mode: 'enforce',
  layer: 'global',
  rule: 'no-credentials',
  reason: 'Credentials stay here.',
} as const;
const verdict: FoundFacts['verdict'] = { ...blocked, revision: 3, enforced: true, effective: blocked };

function facts(content: string, change: Partial<FoundFacts> = {}): FoundFacts {
  const body = Buffer.from(JSON.stringify({ model: 'gpt-x', messages: [{ role: 'user', content }] }));
  const { parts } = inspectBody(body, 'application/json', { scanner });
  return {
    direction: 'out',
    host: 'api.example.com',
    path: '/v1/chat/completions?user=7',
    provider: 'openai',
    model: 'gpt-x',
    caller: { process: undefined, agent: undefined },
    verdict,
    outcome: 'block',
    findings: locatedFindings(parts, keyedHash),
    redacted: 0,
    connection: 'c1',
    ...change,
  };
}

test('kinds, places, hashes and what was done are recorded, and the worst finding gives the severity', () => {
  const event = foundEvent(facts(`use ${KEY} and pay with ${CARD}, again ${KEY}`));
  expect(event).toMatchObject({
    type: 'dlp.found',
    severity: 'critical',
    action: 'send',
    target: 'api.example.com/v1/chat/completions',
    verdict: { outcome: 'DENY', rule: 'no-credentials', revision: 3 },
    data: {
      direction: 'out',
      outcome: 'block',
      wouldBlock: false,
      classes: ['credential', 'payment'],
      places: ['message'],
      count: 3,
      different: 2,
      connection: 'c1',
    },
  });
  expect(event.data.detectors).toHaveLength(2);
  expect(event.data.counts).toContain('2');
  expect(event.data.hashes).toContain(keyedHash(KEY));
});

test('nothing of the data stands in the entry, and beside it no more than a masked sample', () => {
  const draft = foundEvent(facts(`use ${KEY} and pay with ${CARD}`));
  const { private: beside, ...entry } = draft;
  for (const part of [KEY.slice(8, 20), KEY.slice(-8), KEY.slice(0, 12), CARD.slice(0, 9), '4242']) {
    expect(JSON.stringify(entry)).not.toContain(part);
  }
  expect(beside?.samples).toHaveLength(2);
  expect(JSON.stringify(beside)).toContain(`${KEY.slice(0, 4)}…${KEY.slice(-4)}`);
  expect(JSON.stringify(beside)).not.toContain(KEY.slice(4, 12));
});

test('data in the address itself is not recorded with the address', () => {
  const { parts } = inspectUrl(`/v1/files/${KEY}`, { scanner });
  const event = foundEvent(
    facts('', { path: `/v1/files/${KEY}`, findings: locatedFindings(parts, keyedHash) }),
  );
  expect(event.target).toBe('api.example.com/…');
  expect(event.data.places).toEqual(['url']);
});

test('a message full of data makes an entry of bounded size that counts all of it', () => {
  const findings = Array.from({ length: 500 }, (_, i) => ({
    record: {
      detector: `detector-${i % 50}`,
      category: 'credential' as const,
      severity: 'high' as const,
      confidence: 1,
      sample: 'sk-p…Fh7j',
      hash: keyedHash(String(i)),
    },
    role: 'message' as const,
  }));
  const event = foundEvent(facts('', { findings }));
  expect(event.data.count).toBe(500);
  expect(event.data.different).toBe(500);
  expect(event.data.hashes).toHaveLength(32);
  expect(event.data.detectors).toHaveLength(32);
  expect(event.private?.samples).toHaveLength(32);
  expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(16 * 1024);
});

test('what a monitoring layer would have blocked is told apart from what was blocked', () => {
  const passed = facts(`use ${KEY}`, {
    outcome: 'alert',
    verdict: { ...verdict, mode: 'monitor', enforced: false },
  });
  expect(foundEvent(passed).data).toMatchObject({ outcome: 'alert', wouldBlock: true });
});
