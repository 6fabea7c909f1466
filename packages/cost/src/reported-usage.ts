import { countOf, isObject, type JsonPath, valueAt } from './json-path.ts';
import { NO_TOKENS, type Tokens } from './token-class.ts';
import { REPORTED_COUNTS, type ReportedCount, type UsageShape } from './usage-shape.ts';

/** Counts seen so far in an answer; a count that was never given is missing, not zero. */
export type ReportedUsage = Partial<Record<ReportedCount, number>>;

/**
 * Takes the usage of one event (or whole answer) into what was seen before.
 *
 * Streams report totals so far, some in every event, some in two: the largest is kept and nothing is added up.
 */
export function takeUsage(seen: ReportedUsage, shape: UsageShape, event: unknown): void {
  for (const path of shape.at) {
    const usage = valueAt(event, path);
    if (!isObject(usage)) continue;
    const here = countsIn(shape, usage);
    const iterations = iterationsOf(shape, usage);
    for (const name of REPORTED_COUNTS) {
      const count = largest([seen[name], here[name], iterations[name]]);
      if (count !== undefined) seen[name] = count;
    }
  }
}

function countsIn(shape: UsageShape, usage: unknown): ReportedUsage {
  const counts: ReportedUsage = {};
  for (const name of REPORTED_COUNTS) {
    const paths: readonly JsonPath[] = shape.counts[name] ?? [];
    const count = largest(paths.map((path) => countOf(valueAt(usage, path))));
    if (count !== undefined) counts[name] = count;
  }
  return counts;
}

/**
 * Where the provider itself called the model several times, the totals leave some of the calls out and the list
 * of them is what is charged (https://docs.claude.com/en/docs/build-with-claude/compaction).
 */
function iterationsOf(shape: UsageShape, usage: Record<string, unknown>): ReportedUsage {
  const sum: ReportedUsage = {};
  if (!Array.isArray(usage.iterations)) return sum;
  for (const iteration of usage.iterations) {
    const counts = countsIn(shape, iteration);
    for (const name of REPORTED_COUNTS) {
      const count = counts[name];
      if (count !== undefined) sum[name] = (sum[name] ?? 0) + count;
    }
  }
  return sum;
}

function largest(counts: readonly (number | undefined)[]): number | undefined {
  return counts.reduce(
    (most, count) => (count !== undefined && !(most !== undefined && most >= count) ? count : most),
    undefined,
  );
}

/** Parts are taken out of the totals that hold them, so that no token is priced twice. */
export function separateClasses(shape: UsageShape, usage: ReportedUsage): Tokens {
  const cacheRead = usage.cacheRead ?? 0;
  const cacheWriteHour = usage.cacheWriteHour ?? 0;
  const cacheWrite = Math.max(0, (usage.cacheWrite ?? 0) - cacheWriteHour);
  const audioInput = usage.audioInput ?? 0;
  const imageInput = usage.imageInput ?? 0;
  const inInput =
    audioInput + imageInput + (shape.inputHoldsCache ? cacheRead + cacheWrite + cacheWriteHour : 0);
  const reasoning = usage.reasoning ?? 0;
  const audioOutput = usage.audioOutput ?? 0;
  const imageOutput = usage.imageOutput ?? 0;
  const inOutput = audioOutput + imageOutput + (shape.outputHoldsReasoning ? reasoning : 0);
  return {
    ...NO_TOKENS,
    input: Math.max(0, (usage.input ?? 0) - inInput) + (usage.toolInput ?? 0),
    cacheRead,
    cacheWrite,
    cacheWriteHour,
    audioInput,
    imageInput,
    output: Math.max(0, (usage.output ?? 0) - inOutput),
    reasoning,
    audioOutput,
    imageOutput,
  };
}
