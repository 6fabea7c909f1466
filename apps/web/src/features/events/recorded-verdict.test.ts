import { describe, expect, it } from 'vitest';
import {
  comparedFacts,
  explainVerdict,
  explainWayOut,
  isSimulated,
  readVerdict,
} from './recorded-verdict.ts';

function recorded(verdict: object) {
  const entry = JSON.stringify({
    seq: 1,
    verdict: {
      outcome: 'DENY',
      mode: 'enforce',
      layer: 'global',
      rule: 'no-deepseek',
      reason: 'Not approved.',
      revision: 13,
      ...verdict,
    },
    data: { host: 'api.deepseek.com', provider: 'deepseek', status: 403 },
  });
  const read = readVerdict(entry);
  if (read === undefined) throw new Error('the entry has a verdict');
  return read;
}

describe('why a verdict came out so', () => {
  it('names the layer whose rule denied', () => {
    expect(explainVerdict(recorded({}))).toBe('Denied by no-deepseek of the global policy.');
  });

  it('never calls a monitored denial a block', () => {
    expect(explainVerdict(recorded({ mode: 'monitor' }))).toBe(
      'To be denied by no-deepseek of the global policy. It passed, because that policy only monitors.',
    );
  });

  it.each(['network', 'dlp', 'supply_chain'])(
    'says that the default of %s decided when no rule matched',
    (section) => {
      const verdict = recorded({ rule: `${section}/default` });
      expect(explainVerdict(verdict)).toContain(
        `by the default of ${section} in the global policy, as no rule under it matched`,
      );
      expect(explainWayOut(verdict)).toContain('allows api.deepseek.com');
    },
  );

  it('offers what lifts a rule of any section, a limit too', () => {
    expect(explainWayOut(recorded({}))).toContain('change of no-deepseek in the global policy');
  });

  it('has no way out to offer for what was allowed', () => {
    expect(explainWayOut(recorded({ outcome: 'ALLOW' }))).toBeUndefined();
  });

  it('lists only the facts that are known', () => {
    expect(comparedFacts(recorded({}))).toEqual([
      { name: 'Destination', value: 'api.deepseek.com' },
      { name: 'Provider', value: 'deepseek' },
    ]);
  });

  it('tells what a simulated device made up', () => {
    expect(isSimulated('{"data":{"simulated":true}}')).toBe(true);
    for (const entry of ['{"data":{}}', '{"data":{"simulated":"true"}}', 'not json'])
      expect(isSimulated(entry)).toBe(false);
  });

  it.each(['', 'not json', '{"data":{}}'])('reads no verdict out of "%s"', (entry) => {
    expect(readVerdict(entry)).toBeUndefined();
  });
});
