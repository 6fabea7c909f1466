import { describe, expect, test } from 'vitest';
import { compilePolicy } from './compile.ts';
import { decide } from './decide.ts';
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
});

function snapshotOf(source: string) {
  const parsed = parsePolicy(source, { layer: 'global' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return compilePolicy({ revision: 1, layers: [parsed] });
}
