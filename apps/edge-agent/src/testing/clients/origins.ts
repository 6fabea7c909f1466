/** Where each API is, as its client wants it said. */
export interface Origins {
  readonly openai: string;
  readonly anthropic: string;
  readonly gemini: string;
  readonly ollama: string;
}

/** Through CONNECT: the addresses that everybody uses. */
export const PUBLIC_ORIGINS: Origins = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com',
  gemini: 'https://generativelanguage.googleapis.com',
  ollama: 'https://ollama.com',
};

/** @param root of a server that has all of them: the upstream itself, or the proxy's own address */
export function originsAt(root: string): Origins {
  return { openai: `${root}/v1`, anthropic: root, gemini: root, ollama: root };
}
