import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Exchange } from './exchange.ts';
import { countTokens } from './reply.ts';

const EmbedRequest = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string())]),
});

/** `POST /api/embed`: a vector made from the text's hash. */
export function ollamaEmbed(exchange: Exchange): void {
  const parsed = EmbedRequest.safeParse(exchange.request.json);
  if (!parsed.success) {
    exchange.json(400, { error: parsed.error.issues[0]?.message });
    return;
  }
  const { model, input } = parsed.data;
  const texts = typeof input === 'string' ? [input] : input;
  exchange.json(200, {
    model,
    embeddings: texts.map((text) =>
      Array.from(createHash('sha256').update(text).digest().subarray(0, 8), (byte) => byte / 255 - 0.5),
    ),
    total_duration: 1_000_000,
    load_duration: 0,
    prompt_eval_count: texts.reduce((sum, text) => sum + countTokens(text), 0),
  });
}

/** `GET /api/tags`. */
export function ollamaTags(exchange: Exchange): void {
  const details = {
    parent_model: '',
    format: 'gguf',
    family: 'llama',
    families: ['llama'],
    parameter_size: '3.2B',
    quantization_level: 'Q4_K_M',
  };
  exchange.json(200, {
    models: [
      {
        name: 'llama3.2:latest',
        model: 'llama3.2:latest',
        modified_at: '2026-09-21T12:53:20.000Z',
        size: 2_019_393_189,
        digest: createHash('sha256').update('llama3.2').digest('hex'),
        details,
      },
    ],
  });
}

/** `GET /api/version`. */
export function ollamaVersion(exchange: Exchange): void {
  exchange.json(200, { version: '0.12.0' });
}
