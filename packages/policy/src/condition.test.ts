import { describe, expect, test } from 'vitest';
import { decide } from './decide.ts';
import { MAX_REGEX_INPUT, parseRegex } from './linear-regex.ts';
import { parsePolicy } from './parse.ts';
import { quickestMs } from './quickest-ms.test-support.ts';
import type { ActionRequest, RequestingAgent } from './request.ts';
import { snapshotOf } from './testing.ts';
import type { Verdict } from './verdict.ts';

const agent: RequestingAgent = {
  id: 'a'.repeat(64),
  name: 'Coder',
  user: 'ann',
  libraries: ['LangChain'],
  team: 'Research',
  labels: { env: 'prod' },
  trust: 650,
};
const call: ActionRequest = {
  action: 'model.call',
  host: 'api.openai.com',
  port: 443,
  address: '10.1.2.3',
  provider: 'openai',
  model: 'GPT-4o',
  method: 'POST',
  path: '/v1/chat/completions?x=1',
  cost: 500_000,
  spent: { day: 20_000_000 },
  agent,
};

/** What a denying rule with this one condition says about the call: whether it matches. */
function denies(when: string, request: ActionRequest = call): boolean {
  return verdictOf('deny', when, request).rule === 'r';
}

function says(effect: 'allow' | 'deny', when: string, request: ActionRequest): string {
  return verdictOf(effect, when, request).outcome;
}

function verdictOf(effect: 'allow' | 'deny', when: string, request: ActionRequest): Verdict {
  const fallback = effect === 'deny' ? 'allow' : 'deny';
  const snapshot = snapshotOf(
    `network:\n  default: ${fallback}\n  rules:\n    - { id: r, effect: ${effect}, when: { ${when} } }`,
  );
  return decide(snapshot, request);
}

describe('conditions', () => {
  test.each([
    ['model: { eq: gpt-4o }', true],
    ['model: { eq: gpt-4 }', false],
    ['model: { in: [o1, gpt-4O] }', true],
    ['model: { glob: "gpt-4*" }', true],
    ['model: { glob: "*-mini" }', false],
    ['model: { regex: "^gpt-[45]" }', true],
    ['model: { regex: "^4" }', false],
    ['model: { glob: "gpt*", regex: "o$" }', true],
    ['model: { glob: "gpt*", regex: "x$" }', false],
    ['agent.trust: { lt: 700 }', true],
    ['agent.trust: { lt: 650 }', false],
    ['agent.trust: { lte: 650 }', true],
    ['agent.trust: { gt: 650 }', false],
    ['agent.trust: { gte: 500, lt: 700 }', true],
    ['agent.trust: { gte: 700, lt: 900 }', false],
    ['agent.trust: { eq: 650 }', true],
    ['agent.trust: { in: [1, 650] }', true],
    ['agent.team: { eq: research }', true],
    ['agent.label: { eq: env=prod }', true],
    ['agent.label: { glob: "env=*" }', true],
    ['agent.label: { eq: env=dev }', false],
    ['agent.library: { in: [langchain] }', true],
    ['agent.user: { eq: Ann }', false],
    ['address: { cidr: 10.0.0.0/8 }', true],
    ['address: { cidr: 10.1.2.3/32 }', true],
    ['address: { cidr: 10.1.2.2/31 }', true],
    ['address: { cidr: 10.1.2.0/31 }', false],
    ['address: { cidr: "fd00::/8" }', false],
    ['address: { eq: 0x0a.1.2.3 }', true],
    ['address: { in: [192.168.0.0/16, 10.1.0.0/16] }', true],
    ['port: { gt: 1023 }', false],
    ['http.method: { eq: post }', true],
    ['http.path: { eq: /v1/chat/completions }', true],
    ['http.path: { regex: "x=1" }', false],
    ['host: { glob: "*.openai.com" }', true],
    ['host: { glob: openai.com }', false],
    ['cost: { gte: 0.5 }', true],
    ['cost: { gt: 0.5 }', false],
    ['spent.day: { gte: 20 }', true],
    ['spent.day: { lt: 20 }', false],
    // Not told: rules that restrict match.
    ['spent.month: { gte: 100 }', true],
    ['device.identity: { eq: software }', false],
  ])('{ %s } matches: %s', (when, matches) => {
    expect(denies(when)).toBe(matches);
  });

  test.each([
    ['a model that could not be read', 'model: { regex: x }', { ...call, model: null }],
    ['an AI agent that could not be identified', 'agent.user: { eq: nobody }', { ...call, agent: null }],
    [
      'a trust score that nobody knows',
      'agent.trust: { lt: 1 }',
      { ...call, agent: { ...agent, trust: undefined } },
    ],
    [
      'a trust score that is no number',
      'agent.trust: { lt: 1 }',
      { ...call, agent: { ...agent, trust: Number.NaN } },
    ],
    ['a cost that is not known', 'cost: { gt: 1000 }', { ...call, cost: null }],
    ['an address that was not resolved', 'address: { cidr: 10.0.0.0/8 }', { ...call, address: undefined }],
    [
      'a text too long to search',
      'http.path: { regex: zzz }',
      { ...call, path: 'a'.repeat(MAX_REGEX_INPUT + 1) },
    ],
  ] as const)('%s counts for rules that restrict and not for rules that permit', (_name, when, request) => {
    expect(says('deny', when, request)).toBe('DENY');
    expect(says('allow', when, request)).toBe('DENY');
  });

  test('an address in the place of a name is its own address, in whatever base it is written', () => {
    expect(denies('address: { cidr: 127.0.0.0/8 }', { ...call, address: undefined, host: '0x7f.1' })).toBe(
      true,
    );
    expect(
      denies('address: { cidr: 127.0.0.0/8 }', { ...call, address: undefined, host: '::ffff:127.0.0.1' }),
    ).toBe(true);
    expect(denies('address: { cidr: 127.0.0.0/8 }', { ...call, address: undefined, host: '128.0.0.1' })).toBe(
      false,
    );
  });
});

describe('patterns that users write', () => {
  test.each([
    ['(a+)+$', `${'a'.repeat(15_000)}!`],
    ['(a|aa)+$', `${'a'.repeat(15_000)}!`],
    ['(.*)*x', 'y'.repeat(15_000)],
    ['(?:a?){64}a{64}', 'a'.repeat(63)],
  ])('%s cannot stall the engine', (pattern, text) => {
    const parsed = parseRegex(pattern);
    if (!parsed.ok) throw new Error(parsed.problem);
    expect(parsed.test(text)).toBe(false);
    expect(quickestMs(() => parsed.test(text))).toBeLessThan(1500);
  });

  test.each(['(?=x)', '(a)\\1', '[', 'x{2000}', '((x{100}){100}){100}'])('%s is refused', (pattern) => {
    expect(parseRegex(pattern).ok).toBe(false);
  });
});

describe('mistakes in conditions are reported with their place:', () => {
  const place = (rule: string) =>
    `apiVersion: raypher/v1\nmode: enforce\nnetwork:\n  rules:\n    - ${rule}\n`;
  test.each([
    ['an unknown field', '{ id: a, effect: deny, when: { modle: { eq: x } } }', 'model'],
    ['an unknown operator', '{ id: a, effect: deny, when: { model: { glbo: x } } }', 'glob'],
    [
      'a field of another section',
      '{ id: a, effect: deny, when: { package.version: { eq: x } } }',
      undefined,
    ],
    [
      'text where a number belongs',
      '{ id: a, effect: deny, when: { agent.trust: { lt: "700" } } }',
      undefined,
    ],
    [
      'an operator of another kind',
      '{ id: a, effect: deny, when: { agent.trust: { glob: "7*" } } }',
      undefined,
    ],
    ['an empty condition', '{ id: a, effect: deny, when: { model: {} } }', undefined],
    ['no condition', '{ id: a, effect: deny, when: {} }', undefined],
    ['a pattern that is none', '{ id: a, effect: deny, when: { model: { regex: "(?=x)" } } }', undefined],
    ['a range that is none', '{ id: a, effect: deny, when: { address: { cidr: 10.0.0.0/33 } } }', undefined],
    [
      'an unknown zone',
      '{ id: a, effect: deny, times: [{ from: "10:00", zone: Europe/Brelin }] }',
      'Europe/Berlin',
    ],
    ['an unknown day', '{ id: a, effect: deny, times: [{ days: [mno] }] }', 'mon'],
    ['a time that is none', '{ id: a, effect: deny, times: [{ from: "25:00" }] }', undefined],
    ['an empty window', '{ id: a, effect: deny, times: [{}] }', undefined],
  ])('%s', (_name, rule, suggestion) => {
    const parsed = parsePolicy(place(rule), { layer: 'global' });
    if (parsed.ok) throw new Error('expected a refusal');
    const [issue] = parsed.issues;
    expect(issue).toMatchObject({ code: 'policy/schema', line: 5 });
    expect(issue?.column).toBeGreaterThan(6);
    expect(issue?.suggestion).toBe(suggestion);
  });
});
