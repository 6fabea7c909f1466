import { compilePolicy, createRaypherEngine, parsePolicy } from '@raypher/policy';
import { describe, expect, it } from 'vitest';
import { policyException } from './policy-exception.ts';

const now = Date.UTC(2026, 10, 30);
const agentId = 'ab'.repeat(32);
const incident = {
  id: '0f8fad5b-d9cb-469f-a165-70867728950e',
  detectors: ['openai-api-key'],
  classes: ['credential'],
  host: 'api.example.com',
  agent: { id: agentId, name: 'bot.py', user: 'ann' },
};
const document = `apiVersion: raypher/v1
mode: enforce
network: { default: allow }
dlp:
  default: allow
  rules:
    - id: no-credentials
      effect: block
      classes: [credential]
`;

function outcome(source: string, change: { host?: string; detector?: string; agent?: string }) {
  const parsed = parsePolicy(source, { layer: 'global' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const engine = createRaypherEngine(compilePolicy({ revision: 1, layers: [parsed] }));
  return engine.decide({
    action: 'data.out',
    at: now,
    agent: { id: change.agent ?? agentId, name: 'bot.py', user: 'ann', libraries: [] },
    host: change.host ?? 'api.example.com',
    findings: [{ class: 'credential', detector: change.detector ?? 'openai-api-key' }],
  }).outcome;
}

describe('the suggested exception', () => {
  const excepted = document + policyException(incident, 'no-credentials', 'ann@example.com', now);

  it('lets exactly this pass: the detector, the host and the AI agent of the incident', () => {
    expect(outcome(document, {})).toBe('DENY');
    expect(outcome(excepted, {})).toBe('ALLOW');
    expect(outcome(excepted, { host: 'other.example.com' })).toBe('DENY');
    expect(outcome(excepted, { detector: 'github-token' })).toBe('DENY');
    expect(outcome(excepted, { agent: 'cd'.repeat(32) })).toBe('DENY');
  });

  it('says who answers for it and when it ends', () => {
    const parsed = parsePolicy(excepted, { layer: 'global' });
    expect(parsed.ok && parsed.document.exceptions?.[0]).toMatchObject({
      owner: 'ann@example.com',
      expires: '2027-02-28T00:00:00Z',
    });
  });

  it('stays what it is whatever an AI agent, a host or a detector is called', () => {
    const agent = { id: agentId, name: 'x\n  - id: evil\n    rules: ["*"]\u2028\u0085#', user: 'u' };
    const hostile = { ...incident, host: 'a b\n', agent, detectors: ['x", "*'] };
    const parsed = parsePolicy(document + policyException(hostile, 'no-credentials', 'a"b: c', now), {
      layer: 'global',
    });
    expect(parsed.ok && parsed.document.exceptions).toHaveLength(1);
    expect(parsed.ok && parsed.document.exceptions?.[0]).toMatchObject({
      detectors: ['x", "*'],
      owner: 'a"b: c',
      agents: { ids: [agentId] },
    });
  });
});
