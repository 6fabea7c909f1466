import { DatabaseSync } from 'node:sqlite';
import type { PolicySnapshot } from '@raypher/policy';
import { beforeEach, expect, test } from 'vitest';
import { Budgets } from '../budgets/budgets.ts';
import { MIGRATIONS } from '../store/migrations.ts';
import { engines, inForce, snapshotOf } from '../testing/policy-in-force.ts';
import { decideCall } from './decide-call.ts';
import { Exchange } from './exchange.ts';
import { providerById } from './providers.ts';
import type { ProxyContext } from './proxy-context.ts';

const LIMIT = 'financial: { limits: [{ id: daily, amount: 1, per: day, scope: organisation }] }';
const RULES = 'network: { default: allow }';

let snapshot: PolicySnapshot;
let asked: number;
let context: ProxyContext;
let spending: Budgets;

beforeEach(() => {
  const db = new DatabaseSync(':memory:');
  for (const step of MIGRATIONS) db.exec(step);
  // No day ends in the middle of a test.
  spending = new Budgets(db, { clock: () => Date.UTC(2026, 10, 20, 12) });
  snapshot = snapshotOf(`${RULES}\n${LIMIT}`);
  asked = 0;
  const policy = inForce(() => snapshot);
  const counting = {
    ...policy,
    get steady() {
      return policy.steady;
    },
    decide(request: Parameters<typeof policy.decide>[0]) {
      asked += 1;
      return policy.decide(request);
    },
  };
  // Deciding needs no more of a proxy than this.
  context = {
    ...engines(),
    policy: counting,
    spending,
    failed: (error: unknown) => Promise.reject(error),
  } as unknown as ProxyContext;
});

function call(): Exchange {
  const body = Buffer.from('{"model":"gpt-4o","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]}');
  const destination = { host: 'api.openai.com', port: 443, path: '/v1/chat/completions' };
  const known = {
    request: { method: 'POST' },
    destination: { ...destination, provider: providerById('openai') },
    caller: { process: undefined, agent: undefined },
    read: { body, plain: body, excerpt: undefined, models: ['gpt-4o'] },
  };
  // As above.
  return new Exchange(known as unknown as ConstructorParameters<typeof Exchange>[0]);
}

test('policy is asked once while nothing changes between the two times that a call is decided', () => {
  const exchange = call();
  const early = decideCall(context, exchange);
  expect(early.verdict.outcome).toBe('ALLOW');
  expect(early.limits).toHaveLength(1);
  expect(decideCall(context, exchange)).toBe(early);
  expect(asked).toBe(1);
});

test('what another call spends in between is seen', () => {
  const exchange = call();
  const { limits } = decideCall(context, exchange);
  spending.hold(limits, 1_000_000);
  expect(decideCall(context, exchange).verdict.outcome).toBe('DENY');
  expect(asked).toBe(2);
});

test('another policy is asked, also one of the same revision', () => {
  const exchange = call();
  decideCall(context, exchange);
  snapshot = snapshotOf(`network: { default: deny }\n${LIMIT}`);
  expect(decideCall(context, exchange).verdict.outcome).toBe('DENY');
});

test('another address is asked about', () => {
  const exchange = call();
  decideCall(context, exchange);
  decideCall(context, exchange, [{ address: '203.0.113.9' }]);
  expect(asked).toBe(2);
});

test('where the time of day counts, policy is asked each time', () => {
  const window = 'times: [{ days: [mon], from: "09:00", to: "17:00" }]';
  snapshot = snapshotOf(
    `${RULES}\n${LIMIT.replace('scope: organisation', `scope: organisation, ${window}`)}`,
  );
  const exchange = call();
  decideCall(context, exchange);
  decideCall(context, exchange);
  expect(asked).toBe(2);
});

test('another call is asked about, whatever was said of the one before', () => {
  decideCall(context, call());
  decideCall(context, call());
  expect(asked).toBe(2);
});
