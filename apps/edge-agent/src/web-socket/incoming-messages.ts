import type { ByteTransform } from '@raypher/dlp';
import type { Exchange } from '../proxy/exchange.ts';
import { AnswerInspector } from '../proxy/inspect-answer.ts';
import type { ProxyContext } from '../proxy/proxy-context.ts';
import { scopeOf } from '../proxy/scope-of.ts';
import { kindOf, type Message, type MessageInspector } from './message.ts';

const LINE_FEED = 0x0a;

/**
 * What a server sends. Its JSON messages are one stream of events, so that a value in several pieces (deltas of an
 * answer, arguments of a tool) is seen; each is held only while its text may be the beginning of something.
 */
export class IncomingMessages implements MessageInspector {
  readonly #context: ProxyContext;
  readonly #exchange: Exchange;
  readonly #record: (inspector: AnswerInspector) => void;
  #inspector: AnswerInspector;
  #stream: ByteTransform | undefined;
  /** Of the messages that are held: each leaves as the kind it came. */
  #held: boolean[] = [];
  /** What the inspector was made for. */
  #madeFor: string;

  /** @param record told after each message in which something was found */
  constructor(context: ProxyContext, exchange: Exchange, record: (inspector: AnswerInspector) => void) {
    this.#context = context;
    this.#exchange = exchange;
    this.#record = record;
    this.#madeFor = this.#wanted();
    this.#inspector = this.#make();
  }

  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  push(message: Message): readonly Message[] {
    const released = this.#renew();
    if (this.#inspector.isIdle) return [...released, message];
    const kind = kindOf(message);
    if (kind === 'bytes') return [...released, ...this.flush(), message];
    if (kind === 'text') {
      const before = this.flush();
      const bytes = this.#watched(() => this.#inspector.whole(message.bytes, 'text/plain'));
      return [...released, ...before, { ...message, bytes: Buffer.from(bytes) }];
    }
    this.#stream ??= this.#inspector.stream('ndjson');
    const stream = this.#stream;
    this.#held.push(message.isBinary);
    return [...released, ...this.#split(this.#watched(() => stream.push(asLine(message.bytes))))];
  }

  flush(): readonly Message[] {
    const stream = this.#stream;
    if (stream === undefined) return [];
    // What follows is looked through without what came before.
    this.#stream = undefined;
    return this.#split(this.#watched(() => stream.end()));
  }

  /** Another policy, other detectors, or the first value that can be put back: from here on by them. */
  #renew(): readonly Message[] {
    const wanted = this.#wanted();
    if (wanted === this.#madeFor) return [];
    const released = this.flush();
    this.#madeFor = wanted;
    this.#inspector = this.#make();
    return released;
  }

  #wanted(): string {
    const { policy, data } = this.#context;
    const scope = scopeOf(this.#context, this.#exchange);
    return `${policy.inspects('in')} ${data.scanner.version} ${(scope?.vault.size ?? 0) > 0}`;
  }

  #make(): AnswerInspector {
    return new AnswerInspector(this.#context, this.#exchange, scopeOf(this.#context, this.#exchange));
  }

  #watched(look: () => Uint8Array): Uint8Array {
    try {
      return look();
    } finally {
      this.#record(this.#inspector);
    }
  }

  #split(lines: Uint8Array): Message[] {
    const messages: Message[] = [];
    for (let start = 0; start < lines.length; ) {
      const next = lines.indexOf(LINE_FEED, start);
      const end = next === -1 ? lines.length : next;
      messages.push({
        bytes: Buffer.from(lines.subarray(start, end)),
        isBinary: this.#held.shift() ?? false,
      });
      start = end + 1;
    }
    return messages;
  }
}

/** Line breaks of JSON stand between its tokens alone (RFC 8259 §2): spaces mean the same. */
function asLine(json: Buffer): Buffer {
  const line = Buffer.concat([json, Buffer.of(LINE_FEED)]);
  for (let at = 0; at < json.length; at++) if (line[at] === 0x0a || line[at] === 0x0d) line[at] = 0x20;
  return line;
}
