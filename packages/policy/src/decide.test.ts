import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compilePolicy } from './compile.ts';
import { decide } from './decide.ts';
import type { LayeredDocument } from './layer.ts';
import type { RequestingAgent } from './request.ts';
import { PolicyDocument } from './schema.ts';
import { withoutAnswer } from './verdict.ts';

interface RuleCase {
  name: string;
  network: unknown;
  requests: {
    host: string;
    provider?: string;
    model?: string | null;
    agent?: RequestingAgent | null;
    outcome: string;
    rule: string;
    withoutAnswer?: string;
  }[];
}
const cases: RuleCase[] = JSON.parse(readFileSync(new URL('../cases/rules.json', import.meta.url), 'utf8'));

describe.each(cases)('$name', ({ network, requests }) => {
  const snapshot = compilePolicy({ revision: 7, layers: [layer('global', 'enforce', network)] });

  test.each(requests)('$host $provider $model: $outcome by $rule', (request) => {
    const { outcome, rule, withoutAnswer: settled, ...facts } = request;
    const verdict = decide(snapshot, { action: 'network.connect', port: 443, ...facts });
    expect(verdict).toMatchObject({
      outcome,
      rule,
      revision: 7,
      enforced: true,
      effective: { outcome, rule },
    });
    expect(verdict.reason).not.toBe('');
    if (settled !== undefined) expect(withoutAnswer(verdict.effective)).toBe(settled);
  });
});

describe('layers in different modes', () => {
  const host = 'api.example.com';
  const allow = { default: 'allow' };
  const deny = { default: 'deny' };
  const ask = { rules: [{ id: 'ask', effect: 'prompt', destinations: ['*'] }] };

  test('a denial by a layer in monitor mode is recorded and not carried out', () => {
    const verdict = decideWith(layer('global', 'monitor', deny));
    expect(verdict).toMatchObject({ outcome: 'DENY', mode: 'monitor', enforced: false });
    expect(verdict.effective).toMatchObject({ outcome: 'ALLOW', layer: 'builtin' });
  });

  test('it does not hide a prompt of a layer that enforces', () => {
    const verdict = decideWith(layer('global', 'enforce', ask), layer('team', 'monitor', deny));
    expect(verdict).toMatchObject({ outcome: 'DENY', layer: 'team', mode: 'monitor', enforced: false });
    expect(verdict.effective).toMatchObject({ outcome: 'PROMPT', layer: 'global', rule: 'ask' });
    expect(withoutAnswer(verdict.effective)).toBe('DENY');
  });

  test('of two equal denials the enforced one is recorded', () => {
    const verdict = decideWith(layer('global', 'monitor', deny), layer('local', 'enforce', deny));
    expect(verdict).toMatchObject({ outcome: 'DENY', layer: 'local', mode: 'enforce', enforced: true });
  });

  test('a lower layer in monitor mode does not loosen what the global layer enforces', () => {
    const verdict = decideWith(layer('global', 'enforce', deny), layer('local', 'monitor', allow));
    expect(verdict.effective).toMatchObject({ outcome: 'DENY', layer: 'global' });
  });

  test('a lower layer may enforce what the global layer only watches', () => {
    const verdict = decideWith(layer('global', 'monitor', allow), layer('local', 'enforce', deny));
    expect(verdict.effective).toMatchObject({ outcome: 'DENY', layer: 'local' });
  });

  test('a prompt that closes when nobody answers beats one that opens', () => {
    const open = { rules: [{ id: 'ask', effect: 'prompt', on_timeout: 'allow', destinations: ['*'] }] };
    const verdict = decideWith(layer('global', 'enforce', open), layer('team', 'enforce', ask));
    expect(verdict.effective).toMatchObject({ outcome: 'PROMPT', layer: 'team', onTimeout: 'DENY' });
  });

  function decideWith(...layers: LayeredDocument[]) {
    return decide(compilePolicy({ revision: 1, layers }), { action: 'network.connect', host, port: 443 });
  }
});

describe('what the product itself says', () => {
  const request = { action: 'network.connect', host: 'api.example.com', port: 443 } as const;

  test('without any policy everything is denied, and that is enforced', () => {
    const verdict = decide(compilePolicy({ revision: 0, layers: [] }), request);
    expect(verdict).toMatchObject({ outcome: 'DENY', mode: 'enforce', enforced: true, layer: 'builtin' });
    expect(verdict.rule).toBe('builtin/no-policy');
    expect(verdict.effective.outcome).toBe('DENY');
  });

  test('an action that no layer has a section for is not governed', () => {
    const silent: LayeredDocument = {
      layer: 'global',
      document: { apiVersion: 'raypher/v1', mode: 'enforce' },
    };
    const verdict = decide(compilePolicy({ revision: 1, layers: [silent] }), request);
    expect(verdict).toMatchObject({ outcome: 'ALLOW', rule: 'builtin/not-governed', mode: 'enforce' });
  });

  test('what is not a host is denied, as strictly as the strictest layer', () => {
    const bad = { ...request, host: 'a.example:443@b.example' };
    const watching = compilePolicy({
      revision: 1,
      layers: [layer('global', 'monitor', { default: 'allow' })],
    });
    expect(decide(watching, bad)).toMatchObject({
      outcome: 'DENY',
      mode: 'monitor',
      rule: 'builtin/invalid-host',
    });
    const enforcing = compilePolicy({
      revision: 1,
      layers: [layer('global', 'enforce', { default: 'allow' })],
    });
    expect(decide(enforcing, bad).effective).toMatchObject({ outcome: 'DENY', rule: 'builtin/invalid-host' });
  });
});

function layer(name: LayeredDocument['layer'], mode: string, network: unknown): LayeredDocument {
  return { layer: name, document: PolicyDocument.parse({ apiVersion: 'raypher/v1', mode, network }) };
}
