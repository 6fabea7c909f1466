import { expect, test } from 'vitest';
import { PolicyEnforcer } from './policy-enforcer.ts';

const SOFTWARE_IS_REFUSED = `apiVersion: raypher/v1
mode: enforce
network: { default: allow }
trust: { rules: [{ id: hardware-only, effect: deny, identities: [software] }] }
`;

async function enforcing(
  identity: 'tpm' | 'software',
  source: string,
  team?: string,
): Promise<PolicyEnforcer> {
  const enforcer = new PolicyEnforcer(identity);
  await enforcer.apply({
    revision: 1,
    digest: '00'.repeat(32),
    payload: {
      kind: 'policy',
      organisation: '00000000-0000-4000-8000-000000000000',
      revision: 1,
      issuedAt: new Date().toISOString(),
      documents: [{ layer: 'global', source }],
      ...(team === undefined ? {} : { team: { id: '00000000-0000-4000-8000-000000000001', name: team } }),
    },
  });
  return enforcer;
}

test.each([
  ['software', 'DENY'],
  ['tpm', 'ALLOW'],
] as const)(
  'a rule about how the device proves itself is decided by its own key: %s is %s',
  async (identity, outcome) => {
    const enforcer = await enforcing(identity, SOFTWARE_IS_REFUSED);
    const agent = { id: 'a', name: 'bot', user: 'kim', libraries: [] };
    const verdict = enforcer.decide({ action: 'network.connect', host: 'example.com', port: 443, agent });
    expect(verdict.effective.outcome).toBe(outcome);
  },
);

test.each([
  ['Sales', 'DENY'],
  ['Legal', 'ALLOW'],
  [undefined, 'ALLOW'],
] as const)(
  'a rule about a team is decided by what the organisation says: %s is %s',
  async (team, outcome) => {
    const enforcer = await enforcing(
      'tpm',
      'apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow, rules: [{ id: a, effect: deny, agents: { teams: [Sales] } }] }\n',
      team,
    );
    const agent = { id: 'a', name: 'bot', user: 'kim', libraries: [] };
    const verdict = enforcer.decide({ action: 'network.connect', host: 'example.com', port: 443, agent });
    expect(verdict.effective.outcome).toBe(outcome);
  },
);
