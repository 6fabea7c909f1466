import { createScanner } from '@raypher/dlp';
import { compilePolicy, type PolicyLayer, parsePolicy } from '@raypher/policy';
import { expect, test } from 'vitest';
import { inForce } from '../testing/policy-in-force.ts';
import { decideData } from './data-decision.ts';
import type { Exchange } from './exchange.ts';
import { providerById } from './providers.ts';

// Put together here, so that no scanner of source code takes it for real.
const TOKEN = ['ghp', 'R4nd0mLo0k1ngT0k3nF0rT3sts9zYxWvUt5s'].join('_');
const exchange: Pick<Exchange, 'destination' | 'caller' | 'models'> = {
  destination: {
    host: 'api.openai.com',
    port: 443,
    path: '/v1/chat/completions',
    protocol: 'https:',
    dialect: 'openai',
    provider: providerById('openai'),
  },
  caller: { process: undefined, agent: undefined },
  models: ['gpt-4o'],
};

function decided(global: string, local: string, text: string) {
  const layers = Object.entries({ global, local }).map(([layer, dlp]) => {
    // The keys of the object above are names of layers.
    const parsed = parsePolicy(`apiVersion: raypher/v1\nmode: enforce\ndlp: ${dlp}\n`, {
      layer: layer as PolicyLayer,
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
    return parsed;
  });
  const snapshot = compilePolicy({ revision: 1, layers });
  const findings = createScanner({ custom: snapshot.dlp.detectors }).scan(text);
  const decision = decideData({ policy: inForce(() => snapshot) }, exchange, 'out', findings);
  const kept = findings.map((finding) => ({ finding, kind: decision.of(finding) }));
  return { outcome: decision.outcome, kept };
}

const HIDES = "{ default: allow, patterns: [{ id: all, pattern: '.{1,300}' }] }";

test("a device's own wide pattern does not hide what the organisation blocks", () => {
  const blocks = '{ default: allow, rules: [{ id: keys, effect: block, classes: [credential] }] }';
  const { outcome, kept } = decided(blocks, HIDES, `here is ${TOKEN}, use it`);
  expect(outcome).toBe('block');
  expect(kept).toMatchObject([{ finding: { detector: 'local/all' }, kind: { outcome: 'block' } }]);
});

test('nor what it redacts, and what it redacts is taken out whole', () => {
  const redacts = '{ default: allow, rules: [{ id: keys, effect: redact, classes: [credential] }] }';
  const text = `here is ${TOKEN}, use it`;
  for (const local of [HIDES, "{ default: allow, patterns: [{ id: start, pattern: 'ghp_' }] }"]) {
    const { outcome, kept } = decided(redacts, local, text);
    expect(outcome).toBe('redact');
    const taken = kept.filter(({ kind }) => kind?.verdict.obligations?.includes('redact') === true);
    expect(taken.some(({ finding }) => text.slice(finding.start, finding.end).includes(TOKEN))).toBe(true);
  }
});

test('a question about one does not forget that the other is taken out', () => {
  const redacts = '{ default: allow, rules: [{ id: keys, effect: redact, classes: [credential] }] }';
  const asks =
    "{ default: allow, rules: [{ id: ask, effect: prompt, detectors: [all] }], patterns: [{ id: all, pattern: '.{1,300}' }] }";
  const { kept } = decided(redacts, asks, TOKEN);
  expect(kept).toMatchObject([{ kind: { outcome: 'prompt', verdict: { obligations: ['redact'] } } }]);
});
