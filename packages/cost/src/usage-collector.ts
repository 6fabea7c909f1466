import { wholeTokens } from './estimate-tokens.ts';
import { isObject, valueAt } from './json-path.ts';
import { type Micros, microsFromDollars } from './micros.ts';
import { USUAL_OUTPUT_LIMIT } from './output-limits.ts';
import { type ReportedUsage, separateClasses, takeUsage } from './reported-usage.ts';
import { type Surcharge, type SurchargeRule, surchargeRulesOf, surchargesIn } from './surcharge.ts';
import type { Usage } from './usage.ts';
import { type UsageShape, usageShapeOf } from './usage-shape.ts';
import { writtenWeight } from './written-text.ts';

/** What is known of the call itself; it stands in for what the provider does not report. */
export interface KnownOfCall {
  /** Tokens of the request as estimated before it was sent. */
  readonly inputEstimate: number;
  /** How long the answer took until now, in milliseconds. */
  readonly elapsedMs?: number;
  /** No answer is longer than this many tokens. */
  readonly outputLimit?: number;
}

/**
 * Models that think in secret have spent tokens before the first one is seen: with no usage reported, time is the
 * only witness. Tokens per second that models of this kind write at most, commonly.
 */
const HIDDEN_TOKENS_PER_SECOND = 100;

/** Models that never think before they write, by their names with or without a vendor. Others may. */
const NEVER_THINKS =
  /(?:^|\/)(?:gpt-3\.5|gpt-4|chatgpt-4o|claude-3-(?:5|haiku|opus|sonnet)|llama-|codestral)/;

/**
 * Collects the usage of one answer: fed with the parsed events of a stream, or with a whole answer as one event.
 *
 * @example
 * const collector = new UsageCollector('anthropic', '/v1/messages');
 * for await (const event of events) collector.add(JSON.parse(event.data));
 * collector.finish({ inputEstimate: 1200 });
 */
export class UsageCollector {
  readonly #provider: string;
  readonly #shape: UsageShape;
  readonly #seen: ReportedUsage = {};
  readonly #surchargeRules: readonly SurchargeRule[];
  readonly #surcharges = new Map<string, Surcharge>();
  /** Items of an answer by the Responses API that are searches of the web. */
  readonly #searchItems = new Set<string>();
  #writtenWeight = 0;
  /** The answer is written on, whether or not anybody waits for it, and its usage is told to whoever asks later. */
  #goesOn = false;
  #ended = false;
  #model: string | undefined;
  #reportedMicros: Micros | undefined;

  /** @param path of the request, such as `/v1/chat/completions`; a query is ignored */
  constructor(provider: string, path: string) {
    this.#provider = provider;
    this.#surchargeRules = surchargeRulesOf(provider);
    this.#shape = usageShapeOf(provider, path);
  }

  /** @param event parsed JSON; what is not an object is ignored */
  add(event: unknown): void {
    if (!isObject(event)) return;
    takeUsage(this.#seen, this.#shape, event);
    this.#ended ||= this.#shape.ends(event);
    // https://platform.openai.com/docs/guides/background
    this.#goesOn ||= event.background === true || valueAt(event, ['response', 'background']) === true;
    for (const path of this.#shape.model) {
      const model = valueAt(event, path);
      if (typeof model === 'string' && model !== '') this.#model = model;
    }
    for (const surcharge of surchargesIn(this.#surchargeRules, event))
      this.#surcharges.set(surcharge.id, surcharge);
    for (const path of this.#shape.written) this.#writtenWeight += writtenWeight(valueAt(event, path));
    this.#addSearchItems(event);
    this.#addReportedCost(event);
  }

  /** May be called at any time, also when the client or the provider hung up in the middle. */
  finish(known: KnownOfCall): Usage {
    const seen: ReportedUsage = { ...this.#seen };
    const lacksInput = seen.input === undefined;
    const lacksOutput = !this.#outputIsReported();
    if (lacksInput) seen.input = known.inputEstimate;
    if (lacksOutput) seen.output = Math.max(seen.output ?? 0, this.#outputEstimate(known));
    return {
      tokens: separateClasses(this.#shape, seen),
      searches: Math.max(seen.searches ?? 0, this.#searchItems.size),
      estimated: lacksInput || lacksOutput,
      model: this.#model,
      reportedMicros: this.#reportedMicros,
      surcharges: [...this.#surcharges.values()],
    };
  }

  /** A count that came before the end is a count so far: what was written after it is not in it. */
  #outputIsReported(): boolean {
    if (this.#shape.inputOnly === true) return true;
    return this.#seen.output !== undefined && this.#ended;
  }

  #outputEstimate(known: KnownOfCall): number {
    const written = wholeTokens(this.#writtenWeight);
    const hidden =
      this.#shape.hidesReasoning === true && !NEVER_THINKS.test(this.#model ?? '')
        ? Math.ceil(((known.elapsedMs ?? 0) / 1_000) * HIDDEN_TOKENS_PER_SECOND)
        : 0;
    if (this.#goesOn) return Math.max(written, known.outputLimit ?? USUAL_OUTPUT_LIMIT);
    // The limit binds the guess about what was not seen, never what was.
    return Math.max(written, Math.min(hidden, known.outputLimit ?? hidden));
  }

  #addSearchItems(event: Record<string, unknown>): void {
    const lists = [event.output, valueAt(event, ['response', 'output']), [event.item]];
    for (const item of lists.flatMap((list): unknown[] => (Array.isArray(list) ? list : []))) {
      if (isObject(item) && item.type === 'web_search_call' && typeof item.id === 'string') {
        this.#searchItems.add(item.id);
      }
    }
  }

  /**
   * https://openrouter.ai/docs/use-cases/usage-accounting: in dollars; with a key of one's own, `cost` is the fee
   * and the provider behind charges besides.
   */
  #addReportedCost(event: Record<string, unknown>): void {
    if (this.#provider !== 'openrouter' || !isObject(event.usage)) return;
    const cost = microsFromDollars(event.usage.cost);
    if (cost === undefined) return;
    // Without the flag, the documentation shows what the provider behind charges for keys of one's own alone.
    const besides =
      event.usage.is_byok === false ? 0 : valueAt(event.usage, ['cost_details', 'upstream_inference_cost']);
    this.#reportedMicros = Math.max(this.#reportedMicros ?? 0, cost + (microsFromDollars(besides) ?? 0));
  }
}

/**
 * The usage of a whole answer, or of all events of a stream.
 *
 * @param path of the request, such as `/v1/chat/completions`
 * @param answer parsed JSON of the answer, or the list of its events
 */
export function usageOf(provider: string, path: string, answer: unknown, known: KnownOfCall): Usage {
  const collector = new UsageCollector(provider, path);
  for (const event of Array.isArray(answer) ? answer : [answer]) collector.add(event);
  return collector.finish(known);
}
