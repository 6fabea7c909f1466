import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { parsePolicyTests } from '../policy-test.ts';
import { toRequest } from '../request-schema.ts';
import { snapshotOf } from '../testing.ts';
import { createCedarEngine } from './cedar-engine.ts';
import type { PolicyEngine } from './engine.ts';
import { createRaypherEngine } from './raypher-engine.ts';

const read = (name: string) => readFileSync(new URL(`../../cases/engines/${name}`, import.meta.url), 'utf8');
const ours = snapshotOf(read('policy.yaml').replace(/^apiVersion.*\nmode.*\n/m, ''));
const shared = parsePolicyTests(read('tests.yaml'));
if (!shared.ok) throw new Error(JSON.stringify(shared.issues));

describe.each(['raypher', 'cedar'] as const)('the shared cases, by %s', (language) => {
  let engine: PolicyEngine;
  beforeAll(async () => {
    engine =
      language === 'raypher' ? createRaypherEngine(ours) : await createCedarEngine(read('policy.cedar'));
  });

  test.each(shared.tests)('$name', ({ request, expect: expected }) => {
    const decision = engine.decide(toRequest(request, ours));
    expect(decision.outcome).toBe(expected.outcome);
    if (expected.rule !== undefined) expect(decision.rule).toBe(expected.rule);
    expect(decision.reason).not.toBe('');
  });
});

describe('Cedar policies', () => {
  const request = { action: 'network.connect', host: 'a.example', port: 443 } as const;
  const permit = 'permit(principal, action, resource);';

  test('that fail to evaluate deny: leaving a forbid out would permit', async () => {
    const engine = await createCedarEngine(
      `${permit}\nforbid(principal, action, resource) when { context.agent_trust < 500 };`,
    );
    expect(engine.decide(request)).toMatchObject({ outcome: 'DENY', rule: 'cedar/error' });
  });

  test('that say nothing deny, and so does what is not a host', async () => {
    expect((await createCedarEngine('')).decide(request)).toMatchObject({
      outcome: 'DENY',
      rule: 'cedar/default',
    });
    const open = await createCedarEngine(permit);
    expect(open.decide(request).outcome).toBe('ALLOW');
    expect(open.decide({ ...request, host: 'a b' })).toMatchObject({
      outcome: 'DENY',
      rule: 'cedar/invalid-place',
    });
  });

  test('a forbid wins over a prompt', async () => {
    const engine = await createCedarEngine(
      `${permit}\n@id("ask") @effect("prompt") forbid(principal, action, resource);\n@id("no") forbid(principal, action, resource);`,
    );
    expect(engine.decide(request)).toMatchObject({ outcome: 'DENY', rule: 'no' });
  });

  test.each([
    ['that do not parse', 'permit(principal, action'],
    ['of which two have one id', `@id("a") ${permit}\n@id("a") ${permit}`],
    ['that permit and ask', `@effect("prompt") ${permit}`],
    ['with slots', 'permit(principal == ?principal, action, resource);'],
  ])('%s are refused', async (_name, source) => {
    await expect(createCedarEngine(source)).rejects.toThrow(TypeError);
  });

  test('of two engines do not mix', async () => {
    const open = await createCedarEngine(permit);
    const closed = await createCedarEngine('');
    expect(open.decide(request).outcome).toBe('ALLOW');
    expect(closed.decide(request).outcome).toBe('DENY');
  });
});
