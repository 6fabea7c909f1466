import { expect, test } from 'vitest';
import { compilePolicy } from './compile.ts';
import { parsePolicy } from './parse.ts';
import { isTimeless } from './timeless.ts';

function snapshot(body: string) {
  const parsed = parsePolicy(`apiVersion: raypher/v1\nmode: enforce\n${body}`, { layer: 'global' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return compilePolicy({ revision: 1, layers: [parsed] });
}

const TOOLS = 'tools: { default: allow, rules: [{ id: a, effect: deny, tools: [rm] }] }';

test('rules about what is done have the same answer tomorrow', () => {
  const policy = snapshot(TOOLS);
  expect(isTimeless(policy, 'tool.call')).toBe(true);
  expect(isTimeless(policy, 'tool.call')).toBe(true);
  expect(isTimeless(policy, 'file.read')).toBe(true);
});

test.each([
  [
    'a window',
    `${TOOLS.replace('tools: [rm]', 'tools: [rm], times: [{ days: [mon], from: "09:00", to: "17:00" }]')}`,
  ],
  ['trust', `${TOOLS.replace('tools: [rm]', 'tools: [rm], when: { agent.trust: { lt: 500 } }')}`],
  ['a trust section', `${TOOLS}\ntrust: { rules: [{ id: t, effect: deny, below: 300 }] }`],
  [
    'an exception',
    `${TOOLS}\nexceptions: [{ id: x, rules: [a], effect: allow, owner: o, reason: r, expires: "2999-01-01T00:00:00Z", tools: [rm] }]`,
  ],
])('%s makes the answer one of this moment', (_what, body) => {
  expect(isTimeless(snapshot(body), 'tool.call')).toBe(false);
});

test('money makes only calls of models depend on the moment', () => {
  const policy = snapshot(
    `${TOOLS}\nfinancial: { limits: [{ id: day, amount: 5, per: day, scope: organisation, effect: deny }] }`,
  );
  expect(isTimeless(policy, 'model.call')).toBe(false);
  expect(isTimeless(policy, 'tool.call')).toBe(true);
});
