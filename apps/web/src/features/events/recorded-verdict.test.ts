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
  it.each([
    [{}, 'The rule “no-deepseek” of the global policy denies this.'],
    [{ outcome: 'ALLOW', layer: 'team' }, 'The rule “no-deepseek” of the team policy allows this.'],
    [
      { outcome: 'PROMPT' },
      'The rule “no-deepseek” of the global policy wants a person to decide about this.',
    ],
    [
      { outcome: 'ALLOW', rule: 'network/default' },
      'No rule under “network” in the global policy matches, and the default there allows this.',
    ],
    [
      { rule: 'supply_chain/default' },
      'No rule under “supply_chain” in the global policy matches, and the default there denies this.',
    ],
    [{ layer: 'builtin', rule: 'builtin/no-policy' }, 'A rule that is built into Raypher denies this.'],
  ])('%j reads as a sentence', (verdict, sentence) => {
    expect(explainVerdict(recorded(verdict))).toBe(sentence);
  });

  it.each([
    [
      { outcome: 'DENY' },
      'The rule “no-deepseek” of the global policy would deny this. It did not block it, because the global policy is in monitor mode: it records and does not act.',
    ],
    [
      { outcome: 'PROMPT' },
      'The rule “no-deepseek” of the global policy would want a person to decide about this. Nobody was asked for it, because the global policy is in monitor mode: it records and does not act.',
    ],
    [
      { layer: 'builtin', rule: 'builtin/private-address' },
      'A rule that is built into Raypher would deny this. It did not block it, because the policy is in monitor mode: it records and does not act.',
    ],
  ])('never calls what was only recorded a block or a question: %j', (verdict, sentences) => {
    expect(explainVerdict(recorded({ ...verdict, mode: 'monitor' }))).toBe(sentences);
  });

  it('offers what a default needs', () => {
    expect(explainWayOut(recorded({ rule: 'network/default' }))).toBe(
      'A rule under “network” in the global policy that allows api.deepseek.com would let it pass.',
    );
  });

  it('offers what lifts a rule of any section, a limit too', () => {
    expect(explainWayOut(recorded({}))).toContain('change of “no-deepseek” in the global policy');
  });

  it('offers no policy for what no policy can allow', () => {
    expect(explainWayOut(recorded({ layer: 'builtin', rule: 'builtin/host-mismatch' }))).toBe(
      'No policy can allow this: the reason above says what is wrong.',
    );
    expect(explainWayOut(recorded({ layer: 'builtin', rule: 'caller-not-allowed' }))).toContain(
      'raypher allow',
    );
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
