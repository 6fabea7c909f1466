import { describe, expect, it } from 'vitest';
import type { Part } from './part.ts';
import { sampleHash } from './sample-placeholders.ts';
import { sampleScanner, samples } from './sample-scanner.ts';
import { LruVerdictCache } from './verdict-cache.ts';

const part = (text: string, label?: string): Part => ({
  path: '/a',
  role: 'message',
  text,
  ...(label && { label }),
});

function cacheOf(maxParts = 10) {
  const policy = { revision: '1' };
  const keys: string[] = [];
  const hash = (text: string) => {
    const key = sampleHash(text);
    keys.push(key);
    return key;
  };
  const cache = new LruVerdictCache({ hash, policyRevision: () => policy.revision, maxParts, minLength: 1 });
  let scans = 0;
  const ask = (of: Part, scanner = sampleScanner) =>
    cache.findings(scanner, of, () => {
      scans++;
      return scanner.scan(of.text);
    });
  return { cache, policy, keys, ask, scans: () => scans };
}

describe('verdict cache', () => {
  it('scans a part that repeats once, and says the same', () => {
    const { ask, scans } = cacheOf();
    const text = `x ${samples.key}`;
    expect(ask(part(text))).toEqual(ask({ ...part(text), path: '/elsewhere' }));
    expect(scans()).toBe(1);
  });

  it('tells a line of a short text from a line of its name', () => {
    const cache = new LruVerdictCache({ hash: sampleHash, policyRevision: () => '', maxParts: 9 });
    let scans = 0;
    const scan = () => {
      scans++;
      return [];
    };
    cache.findings(sampleScanner, part('password\nhunter', 'a'), scan);
    cache.findings(sampleScanner, part('hunter', 'a\npassword'), scan);
    expect(scans).toBe(2);
  });

  it('forgets with another scanner, policy, role or name, and tells fields apart', () => {
    const { ask, policy, scans } = cacheOf();
    ask(part('a'));
    ask(part('a'), { ...sampleScanner, version: 'sample-2' });
    ask({ ...part('a'), role: 'protocol' });
    ask(part('a', 'password'));
    ask(part('","a'));
    policy.revision = '2';
    ask(part('a'));
    expect(scans()).toBe(6);
  });

  it('sees what a new scanner finds in a text that was clean before', () => {
    const { ask } = cacheOf();
    expect(ask(part(samples.key), { ...sampleScanner, version: 'blind', scan: () => [] })).toEqual([]);
    expect(ask(part(samples.key))).toHaveLength(1);
  });

  it('holds no more than it may; the least recently used goes', () => {
    const { cache, ask, scans } = cacheOf(2);
    for (const text of ['a', 'b', 'a', 'c', 'a']) ask(part(text));
    expect([cache.size, scans()]).toEqual([2, 3]);
    ask(part('b'));
    expect(scans()).toBe(4);
  });

  it('is not changed by what somebody adds to an answer', () => {
    const { ask } = cacheOf();
    ask(part(samples.key)).push({
      detector: 'x',
      category: 'custom',
      severity: 'low',
      start: 0,
      end: 1,
      confidence: 1,
    });
    expect(ask(part(samples.key))).toHaveLength(1);
  });

  it('leaves short texts alone', () => {
    const cache = new LruVerdictCache({ hash: sampleHash, policyRevision: () => '1', maxParts: 5 });
    cache.findings(sampleScanner, part('short'), () => []);
    expect(cache.size).toBe(0);
  });
});
