import { decodeJsonString } from '../json/json-string.ts';
import type { StreamFormat } from './framer.ts';

/** How a provider streams one text, and how a client puts it together again. */
export interface SampleStream {
  format: StreamFormat;
  /** Whether the text is the JSON of a tool's arguments. */
  json?: boolean;
  write(pieces: readonly string[]): string;
  read(stream: string): string;
}

const event = (data: unknown, name?: string) =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
const payloads = (stream: string): unknown[] =>
  stream
    .split(/\r?\n\r?\n/)
    .flatMap((block) => block.split(/\r?\n/).filter((line) => line.startsWith('data: {')))
    .map((line) => JSON.parse(line.slice(6)));
/** Joins every string under one of the keys, wherever it is. */
const joined = (documents: readonly unknown[], key: string): string => {
  let text = '';
  for (const document of documents) {
    JSON.stringify(document, (name, value) => {
      if (name === key && typeof value === 'string') text += value;
      return value;
    });
  }
  return text;
};

const chunk = (choice: object) => ({
  id: 'chatcmpl-123456789abcdef',
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model: 'm-1',
  choices: [choice],
});

export const SAMPLE_STREAMS: Readonly<Record<string, SampleStream>> = {
  'OpenAI chat': {
    format: 'sse',
    write: (pieces) =>
      [
        event(chunk({ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null })),
        ...pieces.map((content) => event(chunk({ index: 0, delta: { content }, finish_reason: null }))),
        event(chunk({ index: 0, delta: {}, finish_reason: 'stop' })),
        'data: [DONE]\n\n',
      ].join(''),
    read: (stream) => joined(payloads(stream), 'content'),
  },
  'OpenAI chat, tool arguments': {
    format: 'sse',
    json: true,
    write: (pieces) =>
      [
        event(
          chunk({
            index: 0,
            delta: { tool_calls: [{ index: 0, id: 'call_1', function: { name: 'f', arguments: '' } }] },
          }),
        ),
        ...pieces.map((text) =>
          event(chunk({ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: text } }] } })),
        ),
        event(chunk({ index: 0, delta: {}, finish_reason: 'tool_calls' })),
        'data: [DONE]\n\n',
      ].join(''),
    read: (stream) => joined(payloads(stream), 'arguments'),
  },
  'OpenAI responses, CRLF': {
    format: 'sse',
    write: (pieces) =>
      [
        ...pieces.map((delta, at) =>
          event(
            {
              type: 'response.output_text.delta',
              item_id: 'msg_1',
              output_index: 0,
              content_index: 0,
              sequence_number: at,
              delta,
            },
            'response.output_text.delta',
          ),
        ),
        event(
          { type: 'response.output_text.done', item_id: 'msg_1', text: pieces.join('') },
          'response.output_text.done',
        ),
        event({
          type: 'response.completed',
          response: { id: 'r', output: [{ content: [{ type: 'output_text', text: pieces.join('') }] }] },
        }),
      ]
        .join('')
        .replaceAll('\n', '\r\n'),
    read: (stream) => joined(payloads(stream), 'delta'),
  },
  Anthropic: {
    format: 'sse',
    write: (pieces) =>
      [
        event(
          {
            type: 'message_start',
            message: { id: 'msg_1', role: 'assistant', content: [], usage: { input_tokens: 3 } },
          },
          'message_start',
        ),
        event(
          { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
          'content_block_start',
        ),
        event({ type: 'ping' }, 'ping'),
        ...pieces.map((text) =>
          event(
            { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
            'content_block_delta',
          ),
        ),
        event({ type: 'content_block_stop', index: 0 }, 'content_block_stop'),
        event({ type: 'message_stop' }, 'message_stop'),
      ].join(''),
    read: (stream) => joined(payloads(stream), 'text'),
  },
  'Anthropic, tool arguments': {
    format: 'sse',
    json: true,
    write: (pieces) =>
      [
        event({
          type: 'content_block_start',
          index: 1,
          content_block: { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} },
        }),
        ...pieces.map((text) =>
          event({
            type: 'content_block_delta',
            index: 1,
            delta: { type: 'input_json_delta', partial_json: text },
          }),
        ),
        event({ type: 'content_block_stop', index: 1 }),
        event({ type: 'message_stop' }),
      ].join(''),
    read: (stream) => joined(payloads(stream), 'partial_json'),
  },
  Gemini: {
    format: 'sse',
    write: (pieces) =>
      pieces
        .map((text) => event({ candidates: [{ content: { parts: [{ text }], role: 'model' }, index: 0 }] }))
        .join(''),
    read: (stream) => joined(payloads(stream), 'text'),
  },
  'Vertex, arguments in pieces': {
    format: 'sse',
    write: (pieces) =>
      pieces
        .map((stringValue) => {
          const partialArgs = [{ jsonPath: '$.note', stringValue, willContinue: true }];
          return event({
            candidates: [{ content: { parts: [{ functionCall: { name: 'f', partialArgs } }] }, index: 0 }],
          });
        })
        .join(''),
    read: (stream) => joined(payloads(stream), 'stringValue'),
  },
  'Gemini, array': {
    format: 'json-array',
    write: (pieces) =>
      JSON.stringify(
        pieces.map((text) => ({ candidates: [{ content: { parts: [{ text }] } }] })),
        null,
        1,
      ),
    read: (stream) => joined(JSON.parse(stream), 'text'),
  },
  Ollama: {
    format: 'ndjson',
    write: (pieces) =>
      [
        ...pieces.map((content) => ({ model: 'l', message: { role: 'assistant', content }, done: false })),
        { model: 'l', message: { content: '' }, done: true, total_duration: 4_111_111 },
      ]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    read: (stream) =>
      joined(
        stream
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
        'content',
      ),
  },
  'a provider nobody knows': {
    format: 'sse',
    write: (pieces) => pieces.map((text) => event({ generated: { token: text } })).join(''),
    read: (stream) => joined(payloads(stream), 'token'),
  },
  'plain text events': {
    format: 'sse',
    write: (pieces) =>
      pieces
        .map(
          (text) =>
            `data: ${encodeURI(text).replaceAll('%20', ' ').replaceAll('%0A', ' ').replaceAll('%22', '"')}\n\n`,
        )
        .join(''),
    read: (stream) => stream.replaceAll(/data: |\n\n/g, ''),
  },
  'plain text': { format: 'text', write: (pieces) => pieces.join(''), read: (stream) => stream },
};

/** What a tool would be called with: every string of the document, escapes undone. */
export function decodedArguments(json: string): string {
  return decodeJsonString(JSON.stringify(JSON.parse(json)));
}
