import { expect, test } from 'vitest';
import { compilePolicy } from './compile.ts';
import { parsePolicy } from './parse.ts';
import { isClockless, isTimeless } from './timeless.ts';

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

const CALLS = 'network: { default: allow, rules: [{ id: a, effect: deny, models: ["o1*"] }] }';
const LIMIT = '{ id: day, amount: 5, per: day, scope: organisation, effect: deny }';

test('of calls whose cost and balances are the same, limits say the same tomorrow', () => {
  expect(isClockless(snapshot(CALLS))).toBe(true);
  expect(isClockless(snapshot(`${CALLS}\nfinancial: { limits: [${LIMIT}] }`))).toBe(true);
});

const WINDOW = 'times: [{ days: [mon], from: "09:00", to: "17:00" }]';

test.each([
  ['a window of a rule', CALLS.replace('effect: deny', `effect: deny, ${WINDOW}`)],
  [
    'a window of a limit',
    `${CALLS}\nfinancial: { limits: [${LIMIT.replace('effect: deny', `effect: deny, ${WINDOW}`)}] }`,
  ],
  [
    'an exception',
    `${CALLS}\nexceptions: [{ id: x, rules: [a], effect: allow, owner: o, reason: r, expires: "2999-01-01T00:00:00Z", models: ["o1*"] }]`,
  ],
  ['another model', `${CALLS}\nrouting: { aliases: { fast: { model: gpt-4o-mini } } }`],
])('%s makes the answer about a call one of this moment', (_what, body) => {
  expect(isClockless(snapshot(body))).toBe(false);
});
