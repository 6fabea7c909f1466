import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_CONFIG } from '../config/config.ts';
import { KNOWN_NAME, type PresidioServer, startPresidioServer } from '../testing/presidio-server.ts';
import { Names, remembering } from './names.ts';
import { type OpenedRecogniser, openRecogniser, type RecogniserConfig } from './open-recogniser.ts';
import { recogniserPosture } from './posture.ts';

let presidio: PresidioServer;
const told: (string | undefined)[] = [];
beforeAll(async () => {
  presidio = await startPresidioServer();
});
beforeEach(() => {
  presidio.mood = 'well';
  presidio.analysed.length = 0;
  told.length = 0;
});
afterAll(() => presidio.stop());

const open = (config: Partial<RecogniserConfig>): Promise<OpenedRecogniser> =>
  openRecogniser({ ...DEFAULT_CONFIG, ...config }, (reason) => told.push(reason));
const openPresidio = (more: Partial<RecogniserConfig> = {}): Promise<OpenedRecogniser> =>
  open({
    dlpRecogniser: 'presidio',
    dlpPresidioUrl: presidio.url,
    dlpBudgetMs: 30_000,
    dlpPresidioTimeoutMs: 20_000,
    ...more,
  });
const found = async ({ source }: OpenedRecogniser, text: string): Promise<string[]> => {
  const [entities = []] = (await source?.recogniser.recognise([text])) ?? [];
  return entities.map(({ start, end }) => text.slice(start, end));
};
const posture = (opened: OpenedRecogniser, asksAbout = true, mode: 'enforce' | 'monitor' = 'enforce') =>
  recogniserPosture(opened, opened.source && new Names(opened.source), { asksAbout: () => asksAbout, mode });

test('the rules need nothing, and posture says what comes of them', async () => {
  const rules = await open({});
  expect(await found(rules, 'ask Dr. Ada Dyke')).toEqual(['Ada Dyke']);
  expect(await posture(rules)).toMatchObject({ state: 'enforced' });
  expect(await posture(rules, true, 'monitor')).toMatchObject({ state: 'observing' });
  expect(await posture(rules, false)).toMatchObject({
    state: 'observing',
    reason: expect.stringContaining('no rule names'),
  });
});

test('off is off, and said', async () => {
  const off = await open({ dlpRecogniser: 'off' });
  expect(off.source).toBeUndefined();
  expect(await posture(off)).toEqual({ state: 'unavailable', reason: 'the configuration says off' });
});

describe('Presidio', () => {
  test('is asked for what has no format, and once for each text', async () => {
    const opened = await openPresidio();
    const text = `😀 ${KNOWN_NAME} wrote it`;
    expect(await found(opened, text)).toEqual([KNOWN_NAME]);
    expect(await found(opened, text)).toEqual([KNOWN_NAME]);
    expect(presidio.analysed).toHaveLength(1);
    expect(presidio.analysed[0]?.entities).toContain('PERSON');
    expect(presidio.analysed[0]?.entities).not.toContain('CREDIT_CARD');
    expect(await posture(opened)).toMatchObject({ state: 'enforced' });
  });

  test.each([
    ['broken', 20_000],
    ['silent', 400],
  ] as const)(
    'that is %s is replaced by the rules; log and posture say why',
    async (mood, dlpPresidioTimeoutMs) => {
      const opened = await openPresidio({ dlpPresidioTimeoutMs });
      presidio.mood = mood;
      expect(await found(opened, `ask Dr. Ada Dyke or ${KNOWN_NAME}`)).toEqual(['Ada Dyke']);
      expect(opened.source?.failures()).toBe(1);
      expect(told).toHaveLength(1);
      expect(await posture(opened)).toMatchObject({
        state: 'unavailable',
        reason: expect.stringMatching(/does not answer.*rules/),
      });
      presidio.mood = 'well';
      await expect.poll(() => found(opened, `ask Dr. Ada Dyke or ${KNOWN_NAME}`)).toEqual([KNOWN_NAME]);
      await expect.poll(() => posture(opened)).toMatchObject({ state: 'enforced' });
    },
  );

  test('is left alone after failures in a row, and told of once', async () => {
    const opened = await openPresidio();
    presidio.mood = 'broken';
    for (let round = 0; round < 5; round++) await found(opened, `text ${round} of Dr. Ada Dyke`);
    presidio.mood = 'well';
    expect(await found(opened, KNOWN_NAME)).toEqual([]);
    expect(presidio.analysed).toEqual([]);
    expect(told).toHaveLength(1);
    expect(await posture(opened)).toMatchObject({
      state: 'unavailable',
      reason: expect.stringContaining('in a row'),
    });
  });

  test('has less time than the message waits, so that the rules can answer', async () => {
    presidio.mood = 'silent';
    const opened = await openPresidio({ dlpBudgetMs: 100, dlpPresidioTimeoutMs: 10_000 });
    const started = performance.now();
    await found(opened, 'Nobody at all');
    expect(performance.now() - started).toBeLessThan(8_000);
  });

  test('without an address, and a model without a folder, are replaced by the rules', async () => {
    for (const [kind, reason] of [
      ['presidio', 'dlp.presidio_url is not set'],
      ['onnx', 'dlp.onnx_model is not set'],
    ] as const) {
      const opened = await open({ dlpRecogniser: kind });
      expect(await found(opened, 'ask Dr. Ada Dyke')).toEqual(['Ada Dyke']);
      expect(await posture(opened)).toMatchObject({
        state: 'unavailable',
        reason: expect.stringContaining(reason),
      });
    }
  });
});

test('a model that is not there is replaced by the rules', async () => {
  const dlpOnnxModel = mkdtempSync(join(tmpdir(), 'raypher-ner-'));
  const opened = await open({ dlpRecogniser: 'onnx', dlpOnnxModel });
  expect(await found(opened, 'ask Dr. Ada Dyke')).toEqual(['Ada Dyke']);
  expect(told[0]).toContain('the model cannot be used');
  expect(await posture(opened)).toMatchObject({ state: 'unavailable' });
});

describe('what is remembered', () => {
  test('is given back for the text it is of, also where a text comes twice in one call', async () => {
    const calls: string[][] = [];
    const kept = remembering(
      {
        name: 'lengths',
        async recognise(texts) {
          calls.push([...texts]);
          return texts.map((text) => [{ type: 'PERSON', start: 0, end: text.length, score: 1 }]);
        },
      },
      (text) => text,
    );
    const ends = async (...texts: string[]) => (await kept.recognise(texts)).map(([entity]) => entity?.end);
    expect(await ends('aa', 'b', 'aa', 'cccc')).toEqual([2, 1, 2, 4]);
    expect(await ends('cccc', 'ddd', 'b')).toEqual([4, 3, 1]);
    expect(calls).toEqual([['aa', 'b', 'cccc'], ['ddd']]);
  });

  test('is nothing where it failed', async () => {
    let fails = true;
    const kept = remembering(
      {
        name: 'moody',
        recognise: async (texts) => (fails ? Promise.reject(new Error('down')) : texts.map(() => [])),
      },
      (text) => text,
    );
    await expect(kept.recognise(['a'])).rejects.toThrow('down');
    fails = false;
    expect(await kept.recognise(['a'])).toEqual([[]]);
  });
});
