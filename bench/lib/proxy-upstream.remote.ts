import { createServer } from 'node:http';
import { serveRemote } from './remote.ts';

export type UpstreamMethods = {
  /** @returns its port */
  start(): Promise<number>;
};

/** Pieces of a streamed answer. */
export const STREAM_EVENTS = 50;

const WORDS = 'the quick brown fox jumps over the lazy dog and goes on about its day '.split(' ');

const methods: UpstreamMethods = {
  /** Answers like a chat completion, whole or as a stream, at once: what is measured is what lies before it. */
  async start() {
    const server = createServer((request, response) => {
      request.resume();
      request.once('end', () => {
        if (request.url?.includes('stream') === true) {
          response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
          for (let at = 0; at < STREAM_EVENTS; at++) {
            const word = WORDS[at % WORDS.length];
            response.write(
              `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"${word} "},"finish_reason":null}]}\n\n`,
            );
          }
          response.end('data: [DONE]\n\n');
          return;
        }
        const body = JSON.stringify({
          id: 'chatcmpl-1',
          object: 'chat.completion',
          created: 1,
          model: 'gpt-4o',
          choices: [{ index: 0, message: { role: 'assistant', content: 'Paris.' }, finish_reason: 'stop' }],
          usage: { prompt_tokens: 1000, completion_tokens: 2, total_tokens: 1002 },
        });
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
        response.end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  },
};

serveRemote(methods);
