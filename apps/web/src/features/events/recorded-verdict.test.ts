import { describe, expect, it } from 'vitest';
import { comparedFacts, explainVerdict, explainWayOut, readVerdict } from './recorded-verdict.ts';

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
    expect(explainVerdict(recorded({}))).toBe('Denied by the first rule of the global policy that matched.');
  });

  it('never calls a monitored denial a block', () => {
    expect(explainVerdict(recorded({ mode: 'monitor' }))).toBe(
      'To be denied by the first rule of the global policy that matched. It passed, because that policy only monitors.',
    );
  });

  it('says that the default decided when no rule matched', () => {
    expect(explainVerdict(recorded({ rule: 'network/default' }))).toContain(
      'by the default of the global policy, as no rule of it matched',
    );
    expect(explainWayOut(recorded({ rule: 'network/default' }))).toContain('allows api.deepseek.com');
  });

  it('says where a rule that lets it pass has to stand', () => {
    expect(explainWayOut(recorded({}))).toContain('placed before no-deepseek in the global policy');
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

  it.each(['', 'not json', '{"data":{}}'])('reads no verdict out of "%s"', (entry) => {
    expect(readVerdict(entry)).toBeUndefined();
  });
});
