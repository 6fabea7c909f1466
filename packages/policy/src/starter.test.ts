import { describe, expect, test } from 'vitest';
import { compilePolicy } from './compile.ts';
import { decide } from './decide.ts';
import { asksAbout } from './guess.ts';
import { parsePolicy } from './parse.ts';
import { STARTER_POLICY } from './starter.ts';

describe('the starter policy', () => {
  test.each([
    ['api.openai.com', 'ALLOW'],
    ['github.com', 'ALLOW'],
    ['api.deepseek.com', 'DENY'],
    ['169.254.169.254', 'DENY'],
    ['::ffff:169.254.169.254', 'DENY'],
    ['metadata.google.internal.', 'DENY'],
  ])('would say of %s: %s, and blocks nothing', (host, outcome) => {
    const verdict = decide(snapshotOf(STARTER_POLICY), { action: 'network.connect', host, port: 443 });
    expect(verdict).toMatchObject({
      outcome,
      mode: 'monitor',
      enforced: false,
      effective: { outcome: 'ALLOW' },
    });
  });

  test('enforces by changing one word', () => {
    const enforcing = snapshotOf(STARTER_POLICY.replace('mode: monitor', 'mode: enforce'));
    const verdict = decide(enforcing, { action: 'network.connect', host: 'api.deepseek.com', port: 443 });
    expect(verdict.effective).toMatchObject({ outcome: 'DENY', rule: 'unapproved-model-services' });
  });

  test('has examples that work once their comment marks are removed', () => {
    const uncommented = STARTER_POLICY.replaceAll(/^ {4}# ( *(?:- id|\w+:|users:).*)$/gm, '    $1');
    expect(uncommented).not.toBe(STARTER_POLICY);
    const snapshot = snapshotOf(uncommented);
    expect(snapshot.layers[0]?.sections[0]?.rules.map(({ id }) => id)).toContain('ask-for-large-models');
    expect(snapshot.layers[0]?.sections[0]?.rules.map(({ id }) => id)).toContain('local-models');
  });

  test('has examples of limits and routing that work once their comment marks are removed', () => {
    const uncommented = STARTER_POLICY.replaceAll(/^# ( {2,}.*|(?:financial|routing):)$/gm, '$1');
    const { layers } = snapshotOf(uncommented);
    expect(layers[0]?.financial?.limits.map(({ id }) => id)).toEqual(['agent-day']);
    expect(layers[0]?.routing).toBeDefined();
  });

  test.each([
    ['credential', 'openai-api-key', 'data.out', 'redact'],
    ['payment', 'payment-card', 'data.out', 'redact'],
    ['national-id', 'us-ssn', 'data.out', 'redact'],
    ['contact', 'email', 'data.out', 'alert'],
    ['person', 'date-of-birth', 'data.out', 'alert'],
    ['person', 'entity-person', 'data.out', undefined],
    ['credential', 'openai-api-key', 'data.in', undefined],
  ] as const)('of %s found as %s in %s it would say %s, and does nothing', (kind, detector, action, said) => {
    const request = { action, host: 'api.openai.com', findings: [{ class: kind, detector }] };
    const monitored = decide(snapshotOf(STARTER_POLICY), request);
    expect(monitored).toMatchObject({ outcome: 'ALLOW', effective: { outcome: 'ALLOW' } });
    expect(monitored.obligation).toBe(said);
    expect(monitored.obligations).toBeUndefined();
    const enforced = decide(snapshotOf(STARTER_POLICY.replace('mode: monitor', 'mode: enforce')), request);
    expect(enforced.effective.outcome).toBe('ALLOW');
    expect(enforced.obligations).toEqual(said && [said]);
  });

  test('does not look for names: that costs time in every call', () => {
    const finding = { class: 'person', detector: 'entity-person' };
    expect(asksAbout(snapshotOf(STARTER_POLICY), 'out', finding)).toBe(false);
    const asking = STARTER_POLICY.replace(/(id: guessed-names\n +effect:) allow/, '$1 alert');
    expect(asksAbout(snapshotOf(asking), 'out', finding)).toBe(true);
  });
});

function snapshotOf(source: string) {
  const parsed = parsePolicy(source, { layer: 'global' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return compilePolicy({ revision: 1, layers: [parsed] });
}
