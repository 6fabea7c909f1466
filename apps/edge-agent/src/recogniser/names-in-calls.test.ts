import { type EntityRecogniser, ruleRecogniser } from '@raypher/dlp';
import { Agent, request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TestProxy } from '../testing/test-proxy.ts';
import { Names } from './names.ts';

/** Texts that it was asked about; a test may make it slow or fail. */
const asked: string[] = [];
let before: () => Promise<void> = async () => {};
let failures = 0;
const recogniser: EntityRecogniser = {
  name: 'watched rules',
  async recognise(texts, signal) {
    asked.push(...texts);
    await before();
    return ruleRecogniser.recognise(texts, signal);
  },
};
const names = new Names({ recogniser, budgetMs: 60, failures: () => failures });

let world: TestProxy;
beforeAll(async () => {
  world = await TestProxy.start({ names });
});
afterEach(() => {
  world.reset();
  asked.length = 0;
  before = async () => {};
  failures = 0;
});
afterAll(async () => {
  await line.close();
  await world.stop();
});

const ALERT = 'dlp: { default: allow, rules: [{ id: people, effect: alert, classes: [person] }] }';
const TEXT = 'Please write to Dr. Ada Lovelace about the report.';
const say = (...contents: string[]) => ({
  model: 'gpt-4o',
  messages: contents.map((content) => ({ role: 'user' as const, content })),
});
const ask = (...contents: string[]) => world.openai().chat.completions.create(say(...contents));
/** Over one connection, as the official clients keep it. */
const line = new Agent({ connections: 1 });
const turn = async (...contents: string[]): Promise<void> => {
  const { body } = await request(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    dispatcher: line,
    headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
    body: JSON.stringify(say(...contents)),
  });
  await body.text();
};
const found = () => world.events.filter(({ type }) => type === 'dlp.found');
const sent = () => world.upstream.requests.at(-1)?.body.toString('utf8') ?? '';

describe('names in what is sent to models', () => {
  test('are recorded where a rule names people, and pass', async () => {
    world.govern(ALERT);
    const text = TEXT;
    await ask(text);
    expect(sent()).toContain(text);
    expect(found()).toMatchObject([
      { severity: 'info', data: { outcome: 'alert', detectors: ['entity-person'], classes: ['person'] } },
    ]);
    expect(JSON.stringify(world.events)).not.toContain('Lovelace');
  });

  test.each([
    ['nothing is said about data', 'rules: []'],
    [
      'another class is named',
      'dlp: { default: allow, rules: [{ id: r, effect: redact, classes: [credential] }] }',
    ],
    ['everything is meant', "dlp: { default: alert, rules: [{ id: r, effect: alert, classes: ['*'] }] }"],
    [
      'people may pass',
      'dlp: { default: block, rules: [{ id: r, effect: allow, classes: [person, health] }] }',
    ],
  ])('are not even looked for where %s', async (_when, dlp) => {
    world.govern(dlp.startsWith('dlp') ? dlp : '');
    await ask(TEXT);
    expect(asked).toEqual([]);
    expect(found()).toEqual([]);
  });

  test('that were guessed stop nothing where the default does and no rule names them', async () => {
    world.govern('dlp: { default: block, rules: [{ id: people, effect: alert, classes: [person] }] }');
    await ask('The patient id: 4711-220 is on the form, says the nurse.');
    expect(found()).toMatchObject([
      { verdict: { rule: 'dlp/default' }, data: { outcome: 'alert', detectors: ['entity-medical-record'] } },
    ]);
    await expect(ask(`card ${['4111', '1111', '1111', '1111'].join(' ')}`)).rejects.toThrow(/403/);
  });

  test('are taken out, or stop the message, where a rule that names them says so', async () => {
    world.govern('dlp: { default: allow, rules: [{ id: people, effect: redact, classes: [person] }] }');
    await ask(TEXT);
    expect(sent()).toMatch(/Dr\. \[\[PERSON_[0-9A-F]{6}\]\] about/);
    world.govern("dlp: { default: allow, rules: [{ id: people, effect: block, detectors: ['entity-*'] }] }");
    await expect(ask(TEXT)).rejects.toThrow(/403/);
  });

  test('are not looked for in what goes elsewhere, and not in answers', async () => {
    world.govern(ALERT);
    await fetch(`${world.url}/v1/models`, { headers: { authorization: 'Bearer k' } });
    await world.absolute('http://plain.example/');
    expect(asked).toEqual([]);
  });
});

describe('when time does not suffice', () => {
  test('the message goes on, what was left is counted and recorded beside what was found', async () => {
    world.govern(
      'dlp: { default: allow, rules: [{ id: r, effect: alert, direction: out, classes: [person, payment] }] }',
    );
    const counted = names.counts.unrecognised;
    before = () => new Promise(() => {});
    const text = `${TEXT} My card is ${['4111', '1111', '1111', '1111'].join(' ')}.`;
    await ask(text);
    expect(sent()).toContain('Lovelace');
    expect(names.counts.unrecognised).toBe(counted + 1);
    expect(found()).toMatchObject([
      { data: { detectors: ['payment-card'], unrecognised: 1, outcome: 'alert' } },
    ]);
  });

  test('a message is not remembered as clean: the next call of the connection looks at it again', async () => {
    world.govern(ALERT);
    const text = `${TEXT} ${'And so on and on. '.repeat(200)}`;
    before = () => new Promise(() => {});
    await turn(text);
    expect(found()).toEqual([]);
    before = async () => {};
    await turn(text, 'Please go on with it.');
    expect(found()).toMatchObject([{ data: { detectors: ['entity-person'] } }]);
  });

  test.each([
    ['nor one in which something weaker looked', 1, 2],
    ['one in which all was looked for is', 0, 1],
  ])('%s', async (_what, failed, looks) => {
    world.govern(ALERT);
    const text = `Nobody is named here. ${'And so on and on. '.repeat(200)}`;
    before = async () => {
      failures += failed;
    };
    await turn(text);
    asked.length = 0;
    await turn(text, 'What comes next?');
    expect(asked).toEqual(['What comes next?', text].slice(0, looks));
  });
});

test('a message that was clean for another policy is looked at when a rule begins to ask for names', async () => {
  world.govern('dlp: { default: alert }');
  const text = `${TEXT} ${'A long conversation. '.repeat(200)}`;
  await turn(text);
  world.govern(ALERT);
  await turn(text, 'Please go on with it now.');
  expect(found()).toMatchObject([{ data: { detectors: ['entity-person'] } }]);
});
