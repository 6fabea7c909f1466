import { DatabaseSync } from 'node:sqlite';
import { compilePolicy, limitsFor, parsePolicy } from '@raypher/policy';
import type { BudgetReport } from '@raypher/shared';
import { afterEach, expect, test } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import { MIGRATIONS } from '../store/migrations.ts';
import { BudgetStatus } from './budget-status.ts';
import { SpendingPart } from './spending-part.ts';

const POLICY = `apiVersion: raypher/v1
mode: enforce
financial:
  limits:
    - { id: everything, per: month, scope: organisation, amount: 100 }
    - { id: each-user, per: day, scope: user, amount: 1, warn_at: 0.5 }
    - { id: one-call, per: request, scope: organisation, amount: 1 }
`;
const CALL = {
  action: 'model.call',
  host: 'api.openai.com',
  port: 443,
  provider: 'openai',
  model: 'gpt-5',
  agent: { id: 'bot', name: 'bot', user: 'kim', libraries: [] },
} as const;

let part: SpendingPart | undefined;
afterEach(() => part?.stop());

function start(isMember: boolean) {
  const db = new DatabaseSync(':memory:');
  db.exec('PRAGMA foreign_keys = ON');
  for (const sql of MIGRATIONS) db.exec(sql);
  const parsed = parsePolicy(POLICY, { layer: 'global' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const snapshot = compilePolicy({ revision: 3, layers: [parsed] });
  const events: EventDraft[] = [];
  const reports: BudgetReport[] = [];
  part = new SpendingPart({
    db,
    isMember,
    revision: () => 3,
    limits: () =>
      snapshot.layers.flatMap(({ layer, mode, financial }) =>
        (financial?.limits ?? []).map(({ limit, ...more }) => ({ ...more, ...limit, layer, mode })),
      ),
    send: (report) => reports.push(report) > 0,
    record: (event) => events.push(event),
    failed: (error) => {
      throw error;
    },
  });
  return { part, events, reports, limits: limitsFor(snapshot, CALL) };
}

test('a machine alone counts every limit itself, and shows each with what is used of it', () => {
  const { part: spending, limits } = start(false);
  spending.spending.hold(limits, 300_000).settle(200_000);
  spending.spending.hold(limits, 100_000);
  const status = BudgetStatus.array().parse(spending.status());
  expect(status).toMatchObject([
    {
      id: 'everything',
      shared: false,
      counters: [{ subject: null, spentMicros: 200_000, reservedMicros: 100_000, lease: null }],
    },
    { id: 'each-user', warnAtMicros: 500_000, counters: [{ subject: 'kim', spentMicros: 200_000 }] },
    { id: 'one-call', per: 'request', resetsAt: null, counters: [] },
  ]);
  expect(Object.values(spending.spending.balancesOf(limits))).toEqual([
    { spent: 200_000, reserved: 100_000 },
    { spent: 200_000, reserved: 100_000 },
  ]);
});

test('a member asks for what it shares with others, and shows what it was lent', async () => {
  const { part: spending, reports, limits } = start(true);
  const waiting = spending.spending.prepare(limits, () => 300_000);
  await expect.poll(() => reports).toHaveLength(1);
  const [report] = reports;
  expect(report?.counters).toMatchObject([{ needed: 300_000n }]);
  spending.leases?.receive({
    reportId: report?.id ?? 0n,
    nowMs: BigInt(Date.now()),
    leases: (report?.counters ?? []).map(({ counter, periodStartMs }) => ({
      counter,
      periodStartMs,
      periodEndMs: BigInt(Date.now() + 3_600_000),
      granted: 300_000n,
      version: 1n,
      validMs: 3_600_000n,
      spent: 0n,
    })),
  });
  await waiting;
  spending.spending.hold(limits, 300_000).settle(120_000);
  expect(spending.status()[0]).toMatchObject({
    shared: true,
    counters: [{ spentMicros: 120_000, lease: { grantedMicros: 300_000 } }],
  });
});

test('a threshold that is reached becomes an entry of the ledger, once', () => {
  const { part: spending, events, limits } = start(false);
  for (let call = 0; call < 4; call += 1) spending.spending.hold(limits, 200_000).settle(200_000);
  expect(events).toMatchObject([
    {
      type: 'budget.warned',
      severity: 'warning',
      target: 'limit each-user',
      data: { limit: 'each-user', subject: 'kim', spentMicros: 600_000, warnAtMicros: 500_000, per: 'day' },
    },
  ]);
});
