import { LedgerEntry } from '@raypher/shared';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../random.ts';
import { AI_AGENT_KINDS } from './ai-agent-catalogue.ts';
import { createAiAgents } from './ai-agents.ts';
import type { EventDraft } from './event-drafts.ts';
import { modelCall } from './model-call.ts';
import { SimulatedPolicy } from './simulated-policy.ts';
import { SimulatedSpending } from './simulated-spending.ts';

const device = '6f0c4a53-9f59-4cf9-a1a0-3a1ea0a5a8f1';
const place = { organisation: device, device, seq: 1, prev: '0'.repeat(64), v: 1 };

function policy(source: string): SimulatedPolicy {
  const documents = [{ layer: 'global', source: `apiVersion: raypher/v1\n${source}` }] as const;
  return new SimulatedPolicy({ revision: 7, documents: [...documents] });
}

/** Calls of every kind of AI agent there is. */
function callsUnder(inForce: SimulatedPolicy, spending = new SimulatedSpending()): EventDraft[] {
  const random = new SeededRandom('calls');
  const [someone] = createAiAgents(random, device, Date.now());
  if (someone === undefined) throw new Error('a device has at least one AI agent');
  return Array.from({ length: 30 }, () =>
    AI_AGENT_KINDS.map((kind) => modelCall(random, { ...someone, kind }, inForce, spending)),
  ).flat();
}

const DENY_DEEPSEEK = `network:
  default: allow
  rules: [{ id: unapproved, effect: deny, destinations: [api.deepseek.com], reason: Not approved. }]
`;
const isToDeepseek = ({ target }: EventDraft) => target.startsWith('api.deepseek.com/');

describe('what simulated devices report', () => {
  it('fits the schema of the ledger and says that it is simulated', () => {
    for (const call of callsUnder(SimulatedPolicy.allowing(1))) {
      const entry = LedgerEntry.parse({ ...place, ...call, at: new Date().toISOString() });
      expect(entry.data.simulated).toBe(true);
    }
  });

  it('is what the policy in force says: nothing is blocked by one that monitors', () => {
    const calls = callsUnder(policy(`mode: monitor\n${DENY_DEEPSEEK}`));
    expect(calls.filter(({ verdict }) => verdict?.outcome === 'DENY')).toEqual(calls.filter(isToDeepseek));
    for (const call of calls) expect(call.data).toMatchObject({ denied: false, status: 200 });
    for (const { verdict, data } of calls.filter(isToDeepseek)) {
      expect(verdict).toMatchObject({ mode: 'monitor', rule: 'unapproved', revision: 7 });
      expect(data.wouldBlock).toBe(true);
    }
  });

  it('is what the policy in force says: what it denies does not pass where it is enforced', () => {
    const calls = callsUnder(policy(`mode: enforce\n${DENY_DEEPSEEK}`));
    const denied = calls.filter(({ data }) => data.denied === true);
    expect(denied.length).toBeGreaterThan(0);
    expect(denied).toEqual(calls.filter(isToDeepseek));
    for (const { verdict, data } of denied) {
      expect(verdict).toMatchObject({ outcome: 'DENY', mode: 'enforce', reason: 'Not approved.' });
      expect(data).toMatchObject({ status: 403, bytesReceived: 0, stopped: 'denied' });
      expect(data).not.toHaveProperty('costMicros');
    }
  });

  it('is a denial of everything as long as there is no policy', () => {
    for (const { data } of callsUnder(new SimulatedPolicy())) expect(data.denied).toBe(true);
  });

  it('calls of models carry provider, model, tokens and an estimated cost; other calls do not', () => {
    const calls = callsUnder(SimulatedPolicy.allowing(1));
    const isSearch = ({ target }: EventDraft) => target === 'api.tavily.com/search';
    for (const { data } of calls.filter((call) => !isSearch(call))) {
      expect(data).toMatchObject({
        provider: expect.any(String),
        model: expect.any(String),
        inputTokens: expect.any(Number),
        outputTokens: expect.any(Number),
        tokensEstimated: true,
      });
      // Whoever runs a model at home pays nobody: what it costs is not known.
      if (data.provider === 'ollama') expect(data).not.toHaveProperty('costMicros');
      else expect(data).toMatchObject({ costMicros: expect.any(Number), costEstimated: true });
    }
    for (const { data } of calls.filter(isSearch)) expect(data).not.toHaveProperty('model');
  });

  it('stops where a limit is reached', () => {
    const limit = '[{ id: day, effect: deny, amount: 0.05, per: day, scope: user }]';
    const calls = callsUnder(
      policy(`mode: enforce\nnetwork: { default: allow }\nfinancial: { limits: ${limit} }\n`),
    );
    const paid = calls.filter(({ data }) => typeof data.costMicros === 'number');
    const spent = paid.reduce((sum, { data }) => sum + Number(data.costMicros), 0);
    expect(spent).toBeGreaterThan(0);
    expect(spent).toBeLessThanOrEqual(50_000);
    expect(calls.find(({ data }) => data.stopped === 'over-budget')).toMatchObject({
      verdict: { rule: 'day' },
      data: { status: 429 },
    });
  });
});
