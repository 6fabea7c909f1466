/** Classes of tokens that have a price of their own. They do not overlap: their sum is all tokens of a call. */
export const TOKEN_CLASSES = [
  /** Text that no cache served. */
  'input',
  'cacheRead',
  /** Written to a cache that lives for minutes. */
  'cacheWrite',
  /** Written to a cache that lives for an hour. */
  'cacheWriteHour',
  'audioInput',
  'imageInput',
  'output',
  /** Thought and not shown. */
  'reasoning',
  'audioOutput',
  'imageOutput',
] as const;

export type TokenClass = (typeof TOKEN_CLASSES)[number];

/** Whole numbers, none negative. */
export type Tokens = Readonly<Record<TokenClass, number>>;

export const NO_TOKENS: Tokens = Object.freeze({
  input: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cacheWriteHour: 0,
  audioInput: 0,
  imageInput: 0,
  output: 0,
  reasoning: 0,
  audioOutput: 0,
  imageOutput: 0,
});

export const INPUT_CLASSES = [
  'input',
  'cacheRead',
  'cacheWrite',
  'cacheWriteHour',
  'audioInput',
  'imageInput',
] as const satisfies readonly TokenClass[];

/** Which class's rate stands in where a price list gives none: without an entry of its own a class costs what its parent costs. */
export const PARENT_CLASS: Readonly<Partial<Record<TokenClass, TokenClass>>> = {
  cacheRead: 'input',
  cacheWrite: 'input',
  cacheWriteHour: 'cacheWrite',
  audioInput: 'input',
  imageInput: 'input',
  reasoning: 'output',
  audioOutput: 'output',
  imageOutput: 'output',
};

/** Prompt with everything in it, cached or not. */
export function inputTokens(tokens: Tokens): number {
  return INPUT_CLASSES.reduce((sum, name) => sum + tokens[name], 0);
}
