import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Exchange, StreamEvent } from './exchange.ts';
import { GEMINI_JSON, geminiError } from './gemini-errors.ts';
import { countTokens, pieces, type Reply, replyTo } from './reply.ts';

const Part = z.looseObject({
  text: z.string().optional(),
  functionResponse: z.looseObject({ name: z.string(), response: z.unknown() }).optional(),
});
const Content = z.looseObject({ role: z.string().optional(), parts: z.array(Part).default([]) });
const GenerateRequest = z.looseObject({
  contents: z.array(Content).min(1),
  systemInstruction: z.unknown().optional(),
  tools: z
    .array(
      z.looseObject({
        functionDeclarations: z
          .array(
            z.looseObject({
              name: z.string(),
              parameters: z.unknown().optional(),
              parametersJsonSchema: z.unknown().optional(),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
  toolConfig: z
    .looseObject({
      functionCallingConfig: z
        .looseObject({ mode: z.string().optional(), allowedFunctionNames: z.array(z.string()).optional() })
        .optional(),
    })
    .optional(),
});
type GenerateRequest = z.infer<typeof GenerateRequest>;

const CountRequest = z.looseObject({
  contents: z.array(Content).optional(),
  generateContentRequest: z.unknown().optional(),
});
const EmbedRequest = z.looseObject({ content: Content, outputDimensionality: z.int().min(1).optional() });
const BatchEmbedRequest = z.looseObject({ requests: z.array(EmbedRequest).min(1) });

/** `POST …/models/{model}:generateContent`. */
export function generateContent(exchange: Exchange): void {
  const request = parse(exchange, GenerateRequest);
  if (request === undefined) return;
  const reply = replyTo(conversationOf(request));
  send(exchange, answer(exchange, request, reply, partsOf(exchange, reply), 'STOP'));
}

/** `POST …/models/{model}:streamGenerateContent`: one JSON array, or server-sent events with `alt=sse`. */
export async function streamGenerateContent(exchange: Exchange): Promise<void> {
  const request = parse(exchange, GenerateRequest);
  if (request === undefined) return;
  const chunks = [...chunksOf(exchange, request, replyTo(conversationOf(request)))];
  const { body: broken } = geminiError(500);
  if (new URLSearchParams(exchange.request.query).get('alt') === 'sse') {
    const event = (data: unknown) => `data: ${JSON.stringify(data)}\r\n\r\n`;
    await exchange.stream('text/event-stream', chunks.map(event), event(broken));
    return;
  }
  const pretty = (data: unknown) => JSON.stringify(data, null, 2);
  const elements: StreamEvent[] = chunks.map((chunk, index) =>
    index === 0 ? `[${pretty(chunk)}` : `\n,\r\n${pretty(chunk)}`,
  );
  await exchange.stream(GEMINI_JSON, [...elements, '\n]\n'], `\n,\r\n${pretty(broken)}\n]\n`);
}

/** `POST …/models/{model}:countTokens`. */
export function countGeminiTokens(exchange: Exchange): void {
  const request = parse(exchange, CountRequest);
  if (request === undefined) return;
  const tokenCount = countTokens(JSON.stringify(request.contents ?? request.generateContentRequest ?? ''));
  send(exchange, {
    totalTokens: tokenCount,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount }],
  });
}

/** `POST …/models/{model}:embedContent`. */
export function embedContent(exchange: Exchange): void {
  const request = parse(exchange, EmbedRequest);
  if (request !== undefined) send(exchange, { embedding: embeddingOf(request) });
}

/** `POST …/models/{model}:batchEmbedContents`. */
export function batchEmbedContents(exchange: Exchange): void {
  const request = parse(exchange, BatchEmbedRequest);
  if (request !== undefined) send(exchange, { embeddings: request.requests.map(embeddingOf) });
}

function parse<Schema extends z.ZodType>(exchange: Exchange, schema: Schema): z.infer<Schema> | undefined {
  const model = modelOf(exchange);
  if (model === 'no-such-model') {
    exchange.fail(geminiError(404, `models/${model} is not found for API version v1beta.`));
    return undefined;
  }
  const parsed = schema.safeParse(exchange.request.json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  exchange.fail(geminiError(400, `* ${issue?.path.join('.')}: ${issue?.message}`));
  return undefined;
}

function modelOf({ request }: Exchange): string {
  return /\/models\/([^/:]+):/.exec(request.path)?.[1] ?? '';
}

function send(exchange: Exchange, body: unknown): void {
  exchange.json(200, body, { 'content-type': GEMINI_JSON });
}

function conversationOf(request: GenerateRequest) {
  const parts = request.contents.at(-1)?.parts ?? [];
  const result = parts.find(({ functionResponse }) => functionResponse !== undefined)?.functionResponse;
  const { mode, allowedFunctionNames } = request.toolConfig?.functionCallingConfig ?? {};
  return {
    last:
      result === undefined
        ? parts.map(({ text }) => text ?? '').join('')
        : JSON.stringify(result.response ?? {}),
    afterTool: result !== undefined,
    tools: request.tools.flatMap(({ functionDeclarations }) =>
      functionDeclarations.map(({ name, parameters, parametersJsonSchema }) => ({
        name,
        schema: parametersJsonSchema ?? parameters,
      })),
    ),
    forced: allowedFunctionNames?.[0],
    toolsAllowed: mode !== 'NONE',
  };
}

function partsOf(exchange: Exchange, reply: Reply) {
  return reply.kind === 'text'
    ? [{ text: reply.text }]
    : [{ functionCall: { name: reply.name, args: reply.input, id: exchange.id('call-') } }];
}

function answer(
  exchange: Exchange,
  request: GenerateRequest,
  reply: Reply,
  parts: unknown[],
  finishReason: 'STOP' | undefined,
) {
  const prompt = countTokens(JSON.stringify([request.systemInstruction ?? '', request.contents]));
  const output = countTokens(reply.kind === 'text' ? reply.text : JSON.stringify(reply.input));
  return {
    candidates: [
      {
        content: { parts, role: 'model' },
        ...(finishReason === undefined ? {} : { finishReason }),
        index: 0,
      },
    ],
    usageMetadata: {
      promptTokenCount: prompt,
      candidatesTokenCount: output,
      totalTokenCount: prompt + output,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: prompt }],
    },
    modelVersion: modelOf(exchange),
    responseId: exchange.id('resp-'),
  };
}

/** A function call comes in one piece, text in several; the last one says that it is. */
function* chunksOf(exchange: Exchange, request: GenerateRequest, reply: Reply): Iterable<unknown> {
  const parts =
    reply.kind === 'text'
      ? pieces(reply.text, exchange.behaviour.chunkCharacters).map((text) => [{ text }])
      : [partsOf(exchange, reply)];
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    yield answer(exchange, request, reply, part, isLast ? 'STOP' : undefined);
  }
}

function embeddingOf({ content, outputDimensionality = 8 }: z.infer<typeof EmbedRequest>) {
  const bytes = createHash('sha256').update(JSON.stringify(content.parts)).digest();
  return {
    values: Array.from({ length: outputDimensionality }, (_, index) => (bytes[index % 32] ?? 0) / 255 - 0.5),
  };
}
