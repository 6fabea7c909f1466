import { expect, test } from 'vitest';
import { compilePolicy } from './compile.ts';
import { explain } from './explain.ts';
import { parsePolicy } from './parse.ts';

const source = `
apiVersion: raypher/v1
mode: enforce
network:
  default: allow
  rules:
    - { id: other-host, effect: deny, destinations: ['*.openai.com'] }
    - { id: other-model, effect: deny, destinations: [api.deepseek.com], models: ['deepseek-r*'] }
    - { id: known-user, effect: allow, agents: { users: [ann] } }
    - { id: the-one, effect: deny, destinations: ['*.deepseek.com'] }
    - { id: too-late, effect: allow, destinations: ['*'] }
`;

test('an explanation says which rule matched, why the earlier ones did not, and which were not reached', () => {
  const parsed = parsePolicy(source, { layer: 'global' });
  if (!parsed.ok) throw new Error('expected a document');
  const explained = explain(compilePolicy({ revision: 3, layers: [parsed] }), {
    action: 'network.connect',
    host: 'API.deepseek.com.',
    port: 443,
    model: 'deepseek-chat',
    agent: null,
  });
  expect(explained.host).toBe('api.deepseek.com');
  expect(explained.verdict).toMatchObject({ outcome: 'DENY', rule: 'the-one', revision: 3 });
  expect(explained.layers).toMatchObject([
    {
      layer: 'global',
      decidedBy: 'rule',
      opinion: { rule: 'the-one' },
      rules: [
        {
          id: 'other-host',
          status: 'not-matched',
          mismatches: [{ matcher: 'destinations', wanted: ['*.openai.com'], actual: 'api.deepseek.com' }],
        },
        {
          id: 'other-model',
          status: 'not-matched',
          mismatches: [{ matcher: 'models', wanted: ['deepseek-r*'], actual: 'deepseek-chat' }],
        },
        {
          id: 'known-user',
          status: 'not-matched',
          mismatches: [{ matcher: 'agents.users', wanted: ['ann'], actual: null }],
        },
        { id: 'the-one', status: 'matched', mismatches: [] },
        { id: 'too-late', status: 'not-reached', mismatches: [] },
      ],
    },
  ]);
});
