import { describe, expect, it } from 'vitest';
import { ruleSource } from './rule-source.ts';

const SOURCE = `apiVersion: raypher/v1
mode: enforce
network:
  default: allow
  rules:
    - id: no-deepseek
      effect: deny
      destinations: ['*.deepseek.com']

      reason: Not approved.
    # The next one has its id last.
    - effect: allow
      destinations: [api.openai.com]
      id: "openai"
`;

describe('the lines of one rule', () => {
  it('are found by the id and lose their common indentation', () => {
    expect(ruleSource(SOURCE, 'no-deepseek')).toBe(
      "- id: no-deepseek\n  effect: deny\n  destinations: ['*.deepseek.com']\n\n  reason: Not approved.",
    );
  });

  it('start at the item even when the id is not its first key', () => {
    expect(ruleSource(SOURCE, 'openai')).toBe(
      '- effect: allow\n  destinations: [api.openai.com]\n  id: "openai"',
    );
  });

  it('are found in every section, and where a limit stands on one line', () => {
    const source = `${SOURCE}dlp:
  rules:
    - { id: no-keys, effect: block, classes: [credential] }
financial:
  limits:
    - { id: everything, amount: 5, per: day, scope: organisation }
`;
    expect(ruleSource(source, 'no-keys')).toBe('- { id: no-keys, effect: block, classes: [credential] }');
    expect(ruleSource(source, 'everything')).toMatch(/^- \{ id: everything, .*\}$/);
  });

  it.each(['network/default', 'unknown', '.*'])('do not exist for %s', (rule) => {
    expect(ruleSource(SOURCE, rule)).toBeUndefined();
  });

  it('do not exist in a source that does not parse', () => {
    expect(ruleSource('- id: no-deepseek', 'no-deepseek')).toBeUndefined();
  });
});
