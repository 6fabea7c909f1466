import type { Cost } from './cost.ts';
import { estimateInput, type InputEstimate } from './input-estimate.ts';
import { MicrosSum } from './micros.ts';
import { outputLimitOf, USUAL_OUTPUT_LIMIT } from './output-limits.ts';
import type { PriceBook } from './price-book.ts';
import { dearestTier, type RateCard, rateOf } from './rate-card.ts';
import { requestLimits } from './request-limits.ts';
import { surchargePercent, surchargeRulesOf, surchargesIn } from './surcharge.ts';
import type { TokenClass } from './token-class.ts';
import { canonicalPath, usageShapeOf } from './usage-shape.ts';

export interface BoundedCall {
  readonly provider: string;
  /** Of the request, such as `/v1/chat/completions`. */
  readonly path: string;
  /** All that the request names, fallbacks included: the dearest is reckoned. */
  readonly models: readonly string[];
  /** Parsed JSON of the request; its text where it is none. */
  readonly body: unknown;
  /** Of the body, when it was reckoned already; `body` may then be a part that says everything but the prompt. */
  readonly input?: InputEstimate;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface UpperBound {
  readonly cost: Cost;
  /** For the collector of the answer, which needs it when no usage is reported. */
  readonly inputEstimate: number;
  /** Tokens of all answers together. */
  readonly outputLimit: number;
}

/** Prompts whose length is not known, to models whose context window is not known. */
const USUAL_CONTEXT_WINDOW = 1_000_000;

const MOST_MODELS = 16;

/** One request orders many answers, or what is not charged by the token, and its answer says nothing of what they use. */
const BATCH =
  /\/(?:batches|batch\/jobs|batchpredictionjobs|async-invoke|embed-jobs|videos(?:\/.*)?)$|\/async\/|:(?:async)?batch(?:generatecontent|embedcontent)$|:predictlongrunning$/;

/** Whether what a request costs is neither known beforehand nor told in its answer. */
export function isOrder(path: string): boolean {
  return BATCH.test(canonicalPath(path));
}

/** Written to a cache or not, with sound or pictures in it: whichever costs most. */
const PROMPT_CLASSES: readonly TokenClass[] = ['input', 'cacheWrite', 'cacheWriteHour'];

/** Models that can draw or speak may do so unasked. */
const ANSWER_CLASSES: readonly TokenClass[] = ['output', 'reasoning', 'audioOutput', 'imageOutput'];

/**
 * What a call costs at most, for the reservation of a budget: the prompt reckoned high and the longest answer that
 * the request allows, all at the dearest rate. A prompt that draws in what the provider keeps counts as a full
 * context window. Batches have no bound.
 */
export function upperBoundOf(call: BoundedCall, book: PriceBook): UpperBound {
  const input = call.input ?? estimateInput(call.body);
  const path = canonicalPath(call.path);
  const limits = requestLimits(call.body, path);
  const percent = surchargePercent(surchargesIn(surchargeRulesOf(call.provider), call.body));
  const isInputOnly = usageShapeOf(call.provider, call.path).inputOnly === true;
  const isBatch = BATCH.test(path);
  const cards = isBatch ? [] : cardsFor(call, book);
  let worst: UpperBound = {
    cost: { known: false, reason: isBatch ? 'batch' : 'unknown-provider' },
    inputEstimate: input.tokens,
    outputLimit: isInputOnly ? 0 : clamped((limits.output ?? USUAL_OUTPUT_LIMIT) * limits.answers),
  };
  for (const card of cards) {
    const prompt = input.drawsInMore
      ? Math.max(input.tokens, card.contextWindow ?? USUAL_CONTEXT_WINDOW)
      : input.tokens;
    const answer = limits.output ?? card.outputLimit ?? outputLimitOf(card.model) ?? usualLimit(card);
    const output = isInputOnly ? 0 : answer * limits.answers;
    const sum = new MicrosSum();
    sum.add(prompt, dearestOf(card, [...PROMPT_CLASSES, ...input.media]), percent);
    sum.add(clamped(output), dearestOf(card, ANSWER_CLASSES), percent);
    sum.add(limits.searches, card.perSearch ?? book.dearest(call.provider, call.at)?.perSearch ?? 0);
    const micros = sum.total();
    if (worst.cost.known && worst.cost.micros >= micros) continue;
    const cost: Cost = { known: true, micros, estimated: true, pricedAs: card.model };
    worst = { cost, inputEstimate: input.tokens, outputLimit: clamped(output) };
  }
  return worst;
}

/** One card for each model named; a model that is not known stands for the dearest. */
function cardsFor(call: BoundedCall, book: PriceBook): RateCard[] {
  // Nobody names so many in earnest; looking up what somebody made up takes time.
  const models = call.models.length > MOST_MODELS ? [] : call.models;
  const named = models.map((model) => book.find(call.provider, model, call.at));
  const isComplete = named.length > 0 && named.every((card) => card !== undefined);
  const dearest = isComplete ? undefined : book.dearest(call.provider, call.at);
  // Half a list of prices is no bound: when one model has no price at all, the cost of the call is unknown.
  if (!isComplete && dearest === undefined) return [];
  return [...named, dearest].filter((card) => card !== undefined);
}

function usualLimit(card: RateCard): number {
  return Math.min(card.contextWindow ?? USUAL_OUTPUT_LIMIT, USUAL_OUTPUT_LIMIT);
}

function dearestOf(card: RateCard, classes: readonly TokenClass[]): number {
  return Math.max(0, ...classes.flatMap((name) => rateOf(card, name) ?? []).map(dearestTier));
}

function clamped(tokens: number): number {
  return Math.min(tokens, Number.MAX_SAFE_INTEGER);
}
