import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Exchange } from './exchange.ts';
import { openaiError } from './openai-errors.ts';
import { countTokens } from './reply.ts';

const EmbeddingsRequest = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).min(1)]),
  dimensions: z.int().min(1).max(3072).default(8),
  encoding_format: z.enum(['float', 'base64']).default('float'),
});

/** `POST /v1/embeddings`: a vector made from the text's hash. */
export function embeddings(exchange: Exchange): void {
  const parsed = EmbeddingsRequest.safeParse(exchange.request.json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    exchange.fail(openaiError(400, issue?.message, { param: issue?.path.join('.') ?? '' }));
    return;
  }
  const { model, input, dimensions, encoding_format } = parsed.data;
  const texts = typeof input === 'string' ? [input] : input;
  const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
  exchange.json(200, {
    object: 'list',
    data: texts.map((text, index) => {
      const vector = vectorOf(text, dimensions);
      const embedding =
        encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector);
      return { object: 'embedding', index, embedding };
    }),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

function vectorOf(text: string, dimensions: number): Float32Array {
  const bytes = createHash('sha256').update(text).digest();
  return Float32Array.from({ length: dimensions }, (_, index) => (bytes[index % 32] ?? 0) / 255 - 0.5);
}

const MODELS = ['gpt-4o', 'gpt-4o-mini', 'text-embedding-3-small'];

/** `GET /v1/models`. */
export function models(exchange: Exchange): void {
  exchange.json(200, {
    object: 'list',
    data: MODELS.map((id) => ({ id, object: 'model', created: 1_790_000_000, owned_by: 'openai' })),
  });
}
