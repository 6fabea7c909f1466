import { describe, expect, it } from 'vitest';
import { decodeLabels } from './decode-labels.ts';
import { openOnnxRecogniser } from './onnx-recogniser.ts';
import { sampleModel } from './sample-model.ts';
import { sampleRuntime } from './sample-runtime.ts';
import { WordPieces } from './word-pieces.ts';

const LABELS = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];
/** Each piece has one label in this model, as if the model had learnt a list by heart. */
const VOCABULARY: [piece: string, label: string][] = [
  ['[PAD]', 'O'],
  ['[UNK]', 'O'],
  ['[CLS]', 'B-LOC'],
  ['[SEP]', 'B-LOC'],
  ['ask', 'O'],
  ['in', 'O'],
  ['.', 'O'],
  ['ada', 'B-PER'],
  ['love', 'I-PER'],
  ['##lace', 'I-PER'],
  ['zu', 'B-LOC'],
  ['##rich', 'O'],
  ['東', 'B-LOC'],
  ['京', 'I-LOC'],
];
const rows = VOCABULARY.map(([, label]) => LABELS.map((name) => (name === label ? 6 : 0)));
const INPUTS = ['input_ids', 'attention_mask', 'token_type_ids'];
const model = sampleModel(rows, INPUTS);
const runtime = await sampleRuntime(rows, INPUTS);
const load = async () => runtime;

const folder = (changes: Record<string, string | Uint8Array | undefined> = {}) => {
  const files: Record<string, string | Uint8Array | undefined> = {
    'model.onnx': model,
    'vocab.txt': `${VOCABULARY.map(([piece]) => piece).join('\n')}\n`,
    'config.json': JSON.stringify({ id2label: { ...LABELS }, max_position_embeddings: 40 }),
    'tokenizer_config.json': JSON.stringify({ do_lower_case: true }),
    ...changes,
  };
  return async (file: string): Promise<Uint8Array> => {
    const content = files[file];
    if (content === undefined) throw new Error(`There is no ${file}.`);
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  };
};

async function open(changes?: Record<string, string | Uint8Array | undefined>) {
  const opened = await openOnnxRecogniser({ read: folder(changes), scoreThreshold: 0.5, load });
  if ('unavailable' in opened) throw new Error(opened.unavailable);
  return opened.recogniser;
}

describe('a model in the runtime', () => {
  it('finds names and places where they stand, in case, accents and scripts', async () => {
    const recogniser = await open();
    const texts = ['Ask Ada Lovelace in Zürich.', '', 'ADÁ 😀 ada in 東京', 'in ask'];
    const found = (await recogniser.recognise(texts)).map((entities, index) =>
      entities.map(({ type, start, end, score }) => [type, texts[index]?.slice(start, end), score > 0.9]),
    );
    expect(found).toEqual([
      [
        ['PERSON', 'Ada Lovelace', true],
        ['LOCATION', 'Zürich', true],
      ],
      [],
      [
        ['PERSON', 'ADÁ', true],
        ['PERSON', 'ada', true],
        ['LOCATION', '東京', true],
      ],
      [],
    ]);
  });

  it('reads long texts in windows, cuts no name and finds none twice', async () => {
    const recogniser = await open();
    for (let words = 30; words < 45; words++) {
      const text = `${'ask '.repeat(words)}Ada Lovelace ${'in '.repeat(60)}Zurich`;
      const [entities = []] = await recogniser.recognise([text]);
      expect(entities.map(({ start, end }) => text.slice(start, end))).toEqual(['Ada Lovelace', 'Zurich']);
    }
  });

  it('stops for a signal', async () => {
    const recogniser = await open();
    await expect(recogniser.recognise(['Ada'], AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });

  it.each([
    ['no model', { 'model.onnx': undefined }, /model\.onnx/],
    ['a broken model', { 'model.onnx': new Uint8Array([1, 2, 3]) }, /./],
    ['another vocabulary', { 'vocab.txt': '<s>\n</s>' }, /WordPiece/],
    ['no labels', { 'config.json': '{}' }, /id2label/],
    ['no JSON', { 'config.json': '<' }, /JSON/],
  ])('says why it is not available: %s', async (_, changes, reason) => {
    expect(await openOnnxRecogniser({ read: folder(changes), scoreThreshold: 0.5, load })).toEqual({
      unavailable: expect.stringMatching(reason),
    });
  });

  it('says so when the runtime is not installed', async () => {
    const absent = () => Promise.reject(new Error('Cannot find package'));
    const opened = await openOnnxRecogniser({ read: folder(), scoreThreshold: 0.5, load: absent });
    expect(opened).toEqual({ unavailable: 'Cannot find package' });
  });
});

describe('pieces', () => {
  const pieces = new WordPieces({ vocabulary: VOCABULARY.map(([piece]) => piece), lowerCase: true });
  it('go back to the text, whatever it holds', () => {
    const text = 'Lovelace\u200b, ＡＤＡ\n\u0000“ada” 東京😀';
    for (const { start, end } of pieces.cut(text)) expect(end).toBeGreaterThan(start);
    expect(
      pieces.cut(text).map(({ start, end, continues }) => [text.slice(start, end), continues]),
    ).toContainEqual(['lace', true]);
  });
  it('a word without end is one unknown piece', () => {
    expect(pieces.cut('x'.repeat(100_000))).toEqual([
      { id: pieces.unknown, start: 0, end: 100_000, continues: false },
    ]);
  });
});

it('labels are read in other schemes, and what is unsure is left out', () => {
  const piece = (start: number) => ({ id: 0, start, end: start + 1, continues: false });
  const labels = ['O', 'ORG', 'MISC'];
  const logits = [0, 5, 0, 0, 5, 0, 5, 0, 0, 0, 0.1, 0];
  expect(decodeLabels([piece(0), piece(2), piece(4), piece(6)], logits, labels, 0.5)).toEqual([
    { type: 'ORGANIZATION', start: 0, end: 3, score: expect.closeTo(0.987, 2) },
  ]);
});
