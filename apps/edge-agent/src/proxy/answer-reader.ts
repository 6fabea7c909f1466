import { type Cost, costOf, type PriceBook, type Usage, UsageCollector } from '@raypher/cost';
import type { AnswerFormat } from './answer-format.ts';
import type { Exchange } from './exchange.ts';

/** An event longer than this is not read for its usage; what it used is then reckoned. */
const LONGEST_EVENT = 8 * 1024 * 1024;
/** So much is put by until somebody asks, bytes. */
const UNREAD = 64 * 1024;
/** Enough for a live view. */
const PREVIEW = 480;

/** What a call used and cost. */
export interface CallCost {
  readonly usage: Usage;
  readonly cost: Cost;
}

/**
 * Reads an answer beside its way to the client: which tokens were used, and how it begins. Works on what was sent to
 * the client, changes nothing and holds no more than one event, and a little that is read when somebody asks: until
 * then the client comes first.
 */
export class AnswerReader {
  #madeCollector: UsageCollector | undefined;
  readonly #exchange: Exchange;
  readonly #format: AnswerFormat;
  readonly #decoder = new TextDecoder();
  #unread: Uint8Array[] = [];
  #unreadLength = 0;
  /** What came of a line or an answer that is not complete: joined once, since to add to a long text copies it. */
  #pending: string[] = [];
  #pendingLength = 0;
  /** Until the end of what is too long. */
  #skipping = false;
  #text = '';
  #isOver = false;

  constructor(exchange: Exchange, format: AnswerFormat) {
    this.#exchange = exchange;
    this.#format = format;
  }

  /** Of many calls nobody asks before an answer came, for which there is another reader. */
  get #collector(): UsageCollector {
    const { provider, path } = this.#exchange.destination;
    this.#madeCollector ??= new UsageCollector(provider?.id ?? '', path);
    return this.#madeCollector;
  }

  /** The beginning of what the model wrote. */
  get text(): string {
    this.#catchUp();
    return this.#text;
  }

  /** Whether it may end in the middle of something: more will come, or came and was not kept. */
  get isTextOpen(): boolean {
    this.#catchUp();
    return !this.#isOver || this.#text.length >= PREVIEW;
  }

  push(chunk: Uint8Array): void {
    if (this.#format === 'opaque' || this.#format === 'text') return;
    this.#unread.push(chunk);
    this.#unreadLength += chunk.length;
    if (this.#unreadLength >= UNREAD) this.#catchUp();
  }

  /** The answer has ended: what was not complete before is now, or never will be. */
  end(): void {
    this.#catchUp();
    this.#isOver = true;
    this.#read(dataOf(this.#taken()));
  }

  /** May be called at any time: what is not reported (yet) is reckoned high. */
  cost(prices: PriceBook, outputLimit: number | undefined, inputEstimate: number | undefined): CallCost {
    this.#catchUp();
    const { destination, models, startedAt } = this.#exchange;
    const usage = this.#collector.finish({
      inputEstimate: inputEstimate ?? this.#exchange.input.tokens,
      elapsedMs: performance.now() - startedAt,
      ...(outputLimit === undefined ? {} : { outputLimit }),
    });
    const provider = destination.provider?.id ?? '';
    const call = { provider, model: models[0] ?? undefined, at: Date.now() };
    return { usage, cost: costOf(usage, call, prices) };
  }

  #catchUp(): void {
    const chunks = this.#unread;
    this.#unread = [];
    this.#unreadLength = 0;
    for (const chunk of chunks) {
      const text = this.#decoder.decode(chunk, { stream: true });
      if (this.#format === 'sse' || this.#format === 'ndjson') this.#readLines(text);
      else this.#hold(text);
    }
  }

  #readLines(text: string): void {
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#hold(text.slice(start, end));
      this.#read(dataOf(this.#taken()));
      start = end + 1;
    }
    this.#hold(text.slice(start));
  }

  #hold(text: string): void {
    if (text === '' || this.#skipping) return;
    this.#pending.push(text);
    this.#pendingLength += text.length;
    if (this.#pendingLength > LONGEST_EVENT) {
      this.#taken();
      this.#skipping = true;
    }
  }

  /** What was held, which is over; empty for what was too long. */
  #taken(): string {
    const text = this.#pending.join('');
    this.#pending = [];
    this.#pendingLength = 0;
    this.#skipping = false;
    return text;
  }

  #read(json: string): void {
    if (!json.startsWith('{') && !json.startsWith('[')) return;
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch {
      return;
    }
    for (const event of Array.isArray(value) ? value : [value]) {
      this.#collector.add(event);
      if (this.#text.length < PREVIEW) this.#text = `${this.#text}${writtenIn(event)}`.slice(0, PREVIEW);
    }
  }
}

/** The data of a line of server-sent events; NDJSON has nothing around it. */
function dataOf(line: string): string {
  return line.startsWith('data:') ? line.slice(5).trim() : line.trim();
}

/** Keys under which providers write what the model says, in whole answers and in deltas. */
const WAYS: readonly (readonly (string | number)[])[] = [
  ['choices', 0, 'delta', 'content'],
  ['choices', 0, 'message', 'content'],
  ['choices', 0, 'text'],
  ['delta', 'text'],
  ['delta'],
  ['content', 0, 'text'],
  ['candidates', 0, 'content', 'parts', 0, 'text'],
  ['message', 'content'],
  ['response'],
  ['output', 0, 'content', 0, 'text'],
];

function writtenIn(event: unknown): string {
  for (const way of WAYS) {
    const value = way.reduce<unknown>((inner, key) => childOf(inner, key), event);
    if (typeof value === 'string') return value;
  }
  return '';
}

function childOf(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  // It is an object that has this key; what is behind it stays unknown.
  return (value as Record<string | number, unknown>)[key];
}
