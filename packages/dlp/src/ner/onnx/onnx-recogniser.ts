import type { Entity, EntityRecogniser } from '../entity.ts';
import { decodeLabels } from './decode-labels.ts';
import { loadOnnxRuntime, type OnnxRuntime, type OnnxSession } from './onnx-runtime.ts';
import { type WordPiece, WordPieces } from './word-pieces.ts';

export interface OnnxOptions {
  /**
   * Reads a file of the model's folder: `model.onnx` (token classification), `vocab.txt` (WordPiece), `config.json`
   * (`id2label`, `max_position_embeddings`) and, if there is one, `tokenizer_config.json` (`do_lower_case`).
   */
  read: (file: string) => Promise<Uint8Array>;
  /** Entities below are not given, 0 to 1. */
  scoreThreshold: number;
  /** Threads of one call; one unless told, since calls of several AI agents run side by side. */
  threads?: number;
  /** Another way to the runtime than the package `onnxruntime-node`. */
  load?: () => Promise<OnnxRuntime>;
}

/** A recogniser, or why there is none: the caller falls back to the rules and says so. */
export type OnnxOpened = { recogniser: EntityRecogniser } | { unavailable: string };

/** Pieces that two windows of a long text share, so that no name is cut. */
const OVERLAP = 32;
const USUAL_POSITIONS = 512;

/**
 * Opens a model of names that the operator supplies as a folder; BERT and its relatives with a WordPiece vocabulary.
 * Nothing is downloaded. Never throws.
 */
export async function openOnnxRecogniser(options: OnnxOptions): Promise<OnnxOpened> {
  const { read, load = loadOnnxRuntime, threads = 1, scoreThreshold } = options;
  try {
    const runtime = await load();
    const [model, vocabulary, config, tokenizer] = await Promise.all([
      read('model.onnx'),
      readText(read, 'vocab.txt'),
      readObject(read, 'config.json'),
      readObject(read, 'tokenizer_config.json').catch(() => ({})),
    ]);
    const session = await runtime.InferenceSession.create(model, { intraOpNumThreads: threads });
    const pieces = new WordPieces({
      vocabulary: vocabulary.replace(/\r?\n$/, '').split(/\r?\n/),
      lowerCase: 'do_lower_case' in tokenizer && tokenizer.do_lower_case === true,
    });
    const opened = { runtime, session, pieces, labels: labelsOf(config), positions: positionsOf(config) };
    return { recogniser: new OnnxRecogniser(opened, scoreThreshold) };
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) };
  }
}

interface OnnxModel {
  runtime: OnnxRuntime;
  session: OnnxSession;
  pieces: WordPieces;
  labels: readonly string[];
  /** Pieces that the model takes at once, the two at the ends included. */
  positions: number;
}

class OnnxRecogniser implements EntityRecogniser {
  readonly name = 'onnx';
  readonly #model: OnnxModel;
  readonly #threshold: number;

  constructor(model: OnnxModel, threshold: number) {
    this.#model = model;
    this.#threshold = threshold;
  }

  async recognise(texts: readonly string[], signal?: AbortSignal): Promise<Entity[][]> {
    const results: Entity[][] = [];
    for (const text of texts) results.push(await this.#recogniseText(text, signal));
    return results;
  }

  async #recogniseText(text: string, signal: AbortSignal | undefined): Promise<Entity[]> {
    const pieces = this.#model.pieces.cut(text);
    const width = this.#model.positions - 2;
    const entities: Entity[] = [];
    for (let from = 0; from < pieces.length; from += Math.max(1, width - OVERLAP)) {
      signal?.throwIfAborted();
      for (const entity of await this.#recogniseWindow(pieces.slice(from, from + width))) {
        const last = entities.at(-1);
        if (!last || entity.start >= last.end) entities.push(entity);
        // The second window saw the rest of a name that the first one saw the beginning of.
        else if (entity.type === last.type) last.end = Math.max(last.end, entity.end);
      }
      if (from + width >= pieces.length) break;
    }
    return entities;
  }

  async #recogniseWindow(window: readonly WordPiece[]): Promise<Entity[]> {
    const { runtime, session, pieces, labels } = this.#model;
    const ids = [pieces.first, ...window.map(({ id }) => id), pieces.last];
    const tensor = (value: (id: number) => number) =>
      new runtime.Tensor(
        'int64',
        BigInt64Array.from(ids, (id) => BigInt(value(id))),
        [1, ids.length],
      );
    const known: Record<string, () => object> = {
      input_ids: () => tensor((id) => id),
      attention_mask: () => tensor(() => 1),
      token_type_ids: () => tensor(() => 0),
    };
    const feeds: Record<string, object> = {};
    for (const name of session.inputNames) {
      const make = known[name];
      if (!make) throw new TypeError(`The model wants an input that is not known: ${name}`);
      feeds[name] = make();
    }
    const outputs = await session.run(feeds);
    const logits =
      outputs[session.outputNames.includes('logits') ? 'logits' : (session.outputNames[0] ?? '')];
    if (!(logits?.data instanceof Float32Array) || logits.dims.at(-1) !== labels.length)
      throw new TypeError('The model does not give one logit per piece and label.');
    // Without the rows of the two pieces at the ends.
    return decodeLabels(window, logits.data.subarray(labels.length), labels, this.#threshold);
  }
}

async function readText(read: OnnxOptions['read'], file: string): Promise<string> {
  return new TextDecoder('utf-8', { fatal: true }).decode(await read(file));
}

async function readObject(read: OnnxOptions['read'], file: string): Promise<object> {
  const value: unknown = JSON.parse(await readText(read, file));
  if (typeof value !== 'object' || value === null) throw new TypeError(`${file} holds no object.`);
  return value;
}

function labelsOf(config: object): string[] {
  const names = 'id2label' in config ? config.id2label : undefined;
  if (typeof names !== 'object' || names === null) throw new TypeError('config.json has no id2label.');
  const entries = Object.entries(names).map(([id, label]): [number, string] => [Number(id), String(label)]);
  return entries.sort(([left], [right]) => left - right).map(([, label]) => label);
}

function positionsOf(config: object): number {
  const most = 'max_position_embeddings' in config ? config.max_position_embeddings : undefined;
  return typeof most === 'number' && most > 2 ? most : USUAL_POSITIONS;
}
