import { expect, test } from 'vitest';
import { PolicyEnforcer } from '../proxy/policy-enforcer.ts';
import { PolicyPrices } from './policy-prices.ts';

const AT = Date.UTC(2026, 10, 20);
const apply = (enforcer: PolicyEnforcer, revision: number, input?: number) =>
  enforcer.apply({
    revision,
    digest: 'ab'.repeat(32),
    payload: {
      kind: 'policy',
      organisation: '5b0a3f0e-8f6c-4b37-9d8a-0a6a0f6d2f11',
      revision,
      issuedAt: '2026-11-20T00:00:00.000Z',
      documents: [
        { layer: 'global', source: 'apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow }\n' },
      ],
      ...(input === undefined
        ? {}
        : {
            prices: {
              version: 1,
              models: [{ provider: 'openai', model: 'gpt-4o', rates: { input, output: 1 } }],
            },
          }),
    },
  });

test('prices come into force with the policy that brings them, and go with the next', async () => {
  const prices = new PolicyPrices();
  const enforcer = new PolicyEnforcer('software', () => {}, prices);
  const rate = () => prices.find('openai', 'gpt-4o', AT)?.rates.input?.base;
  const packaged = rate();
  await apply(enforcer, 1, 123);
  expect(rate()).toBe(123);
  // A cheap entry does not make models cheap that nobody knows.
  expect(prices.dearest('openai', AT)?.rates.input?.base).toBeGreaterThan(1_000_000);
  await apply(enforcer, 2);
  expect(rate()).toBe(packaged);
  expect(packaged).toBeGreaterThan(123);
});
