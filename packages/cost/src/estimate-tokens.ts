/**
 * Tokens per character of text in Latin letters, reckoned high: 3.8 characters a token, and a third on top, which
 * held for English prose, code and JSON.
 */
const PER_ASCII = 1.35 / 3.8;
/** Two bytes of UTF-8: accents, Cyrillic, Greek, Hebrew, Arabic. */
const PER_TWO_BYTES = 0.8;
/** Three bytes: Chinese, Japanese, Korean; and each half of an emoji. */
const PER_THREE_BYTES = 1.35;

const BEYOND_ASCII = /[\u0080-\uffff]/;

/** What text weighs in tokens, as a sum that several texts can share; {@link wholeTokens} of the sum is the estimate. */
export function tokenWeight(text: string): number {
  // Most text is; the engine looks for anything else far faster than a loop.
  if (!BEYOND_ASCII.test(text)) return text.length * PER_ASCII;
  let ascii = 0;
  let twoBytes = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x80) ascii += 1;
    else if (code < 0x800) twoBytes += 1;
  }
  const threeBytes = text.length - ascii - twoBytes;
  return ascii * PER_ASCII + twoBytes * PER_TWO_BYTES + threeBytes * PER_THREE_BYTES;
}

export function wholeTokens(weight: number): number {
  return Math.ceil(weight);
}

/**
 * Tokens of a text, reckoned high and without a tokenizer: one pass over the characters.
 *
 * @example estimateTokens('Hello, world') // 5
 */
export function estimateTokens(text: string): number {
  return wholeTokens(tokenWeight(text));
}
