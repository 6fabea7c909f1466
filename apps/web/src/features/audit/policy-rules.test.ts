import { describe, expect, it } from 'vitest';
import { policyRuleChanges } from './policy-rules.ts';

const TEAM = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const side = (rules: string, team?: string) => ({
  revision: 1,
  documents: [
    {
      layer: 'global',
      source: `apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow, rules: [${rules}] }\n`,
    },
    ...(team === undefined ? [] : [{ layer: 'team', team: TEAM, source: team }]),
  ],
});

describe('an audit entry about a policy', () => {
  it('is told rule by rule, with before and after of each', () => {
    expect(
      policyRuleChanges(
        side('{ id: a, effect: deny, models: [x] }, { id: b, effect: deny, models: [y] }'),
        side('{ id: a, effect: prompt, models: [x] }, { id: c, effect: deny, models: [z] }'),
      ),
    ).toEqual([
      {
        whose: 'Global policy',
        words: 'Rule a: deny → prompt',
        before: 'id: a\neffect: deny\nmodels: ["x"]',
        after: 'id: a\neffect: prompt\nmodels: ["x"]',
      },
      { whose: 'Global policy', words: 'Rule b removed: deny', before: 'id: b\neffect: deny\nmodels: ["y"]' },
      { whose: 'Global policy', words: 'Rule c added: deny', after: 'id: c\neffect: deny\nmodels: ["z"]' },
    ]);
  });

  it('names the team, and reads the first revision of all', () => {
    const changes = policyRuleChanges(null, side('', 'apiVersion: raypher/v1\nmode: monitor\nnetwork: {}\n'));
    expect(changes?.map(({ whose }) => whose)).toContain(`Team ${TEAM}`);
  });

  it('is nothing for entries about something else', () => {
    expect(policyRuleChanges({ role: 'admin' }, { role: 'auditor' })).toBeUndefined();
    expect(policyRuleChanges(null, null)).toBeUndefined();
  });
});
