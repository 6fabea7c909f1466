import { changeInWords } from '@raypher/policy';
import { describe, expect, it } from 'vitest';
import { changedOwners, GLOBAL, toDocuments, toDraft } from './draft.ts';
import { ruleChanges } from './rule-changes.ts';

const TEAM = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const policy = (mode: string, rules: string) =>
  `apiVersion: raypher/v1\nmode: ${mode}\nnetwork:\n  default: allow\n  rules:${rules}\n`;
const RULE = "\n    - id: no-deepseek\n      effect: deny\n      destinations: ['*.deepseek.com']";

describe('a draft of policies', () => {
  it('holds the documents of a revision and gives them back', () => {
    const documents = [
      { layer: 'global' as const, source: 'a' },
      { layer: 'team' as const, team: TEAM, source: 'b' },
    ];
    expect(toDocuments(toDraft(documents))).toEqual(documents);
  });

  it('leaves out a document that was emptied', () => {
    expect(toDocuments({ [GLOBAL]: 'a', [TEAM]: ' \n' })).toEqual([{ layer: 'global', source: 'a' }]);
  });

  it('knows whose policy differs', () => {
    expect(changedOwners({ [GLOBAL]: 'a', [TEAM]: 'b' }, { [GLOBAL]: 'a', [TEAM]: 'c' })).toEqual([TEAM]);
    expect(changedOwners({ [GLOBAL]: 'a' }, { [GLOBAL]: 'a\n', [TEAM]: '' })).toEqual([]);
  });
});

describe('what a draft changes in effect', () => {
  const change = (before: string, after: string) =>
    ruleChanges(GLOBAL, { [GLOBAL]: before }, { [GLOBAL]: after })?.map(changeInWords);

  it('is told rule by rule', () => {
    expect(change(policy('monitor', ' []'), policy('enforce', RULE))).toEqual([
      'Mode: monitor → enforce',
      'Rule no-deepseek added: deny',
    ]);
    expect(change(policy('enforce', RULE), policy('enforce', RULE.replace('deny', 'prompt')))).toEqual([
      'Rule no-deepseek: deny → prompt',
    ]);
    expect(change(policy('enforce', RULE), policy('enforce', ' []'))).toEqual([
      'Rule no-deepseek removed: deny',
    ]);
  });

  it('is nothing for a comment', () => {
    expect(change(policy('enforce', RULE), `# why\n${policy('enforce', RULE)}`)).toEqual([]);
  });

  it('is unknown while the draft does not parse', () => {
    expect(change(policy('enforce', RULE), 'mode: sometimes')).toBeUndefined();
  });

  it('includes a policy that is new or removed', () => {
    expect(change('', policy('monitor', ' []'))?.[0]).toBe('The policy is new');
    expect(change(policy('monitor', ' []'), '')?.[0]).toBe('The policy is removed');
  });
});
