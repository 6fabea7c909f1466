/**
 * Longest answers in tokens, by the beginning of the model's name without its vendor; the longest beginning wins.
 * From the providers' lists of models: https://platform.openai.com/docs/models,
 * https://docs.claude.com/en/docs/about-claude/models/overview, https://ai.google.dev/gemini-api/docs/models,
 * https://api-docs.deepseek.com/quick_start/pricing.
 */
const OUTPUT_LIMITS: Readonly<Record<string, number>> = {
  'gpt-3.5': 4_096,
  'gpt-4': 8_192,
  'gpt-4-turbo': 4_096,
  'gpt-4o': 16_384,
  'gpt-4.1': 32_768,
  'gpt-4.5': 16_384,
  'gpt-5': 128_000,
  o1: 100_000,
  o3: 100_000,
  'o4-mini': 100_000,
  'claude-3': 4_096,
  'claude-3-5': 8_192,
  'claude-3-7': 128_000,
  'claude-opus-4': 32_000,
  'claude-opus-4-5': 64_000,
  'claude-opus-4-6': 128_000,
  'claude-opus-4-7': 128_000,
  'claude-opus-4-8': 128_000,
  'claude-sonnet-4': 64_000,
  'claude-sonnet-4-6': 128_000,
  'claude-haiku-4': 64_000,
  'gemini-1.5': 8_192,
  'gemini-2.0': 8_192,
  'gemini-2.5': 65_536,
  'gemini-3': 65_536,
};

const LONGEST_FIRST = Object.entries(OUTPUT_LIMITS).sort(([a], [b]) => b.length - a.length);

/**
 * The longest answer of models that nobody listed: as long as those of today's large models.
 */
export const USUAL_OUTPUT_LIMIT = 128_000;

/** @returns undefined when it is not known */
export function outputLimitOf(model: string): number | undefined {
  const bare = model.toLowerCase().replace(/^.*\//, '').replace(/^ft:/, '');
  return LONGEST_FIRST.find(([beginning]) => bare.startsWith(beginning))?.[1];
}
