import { once } from 'node:events';
import { createServer } from 'node:http';

/** Speaks as a Presidio Analyzer does (`POST /analyze`, `GET /health`); knows one name. */
export interface PresidioServer {
  readonly url: string;
  /** `silent`: it takes requests and answers none. */
  mood: 'well' | 'broken' | 'silent';
  /** What was asked for, in order. */
  readonly analysed: { text: string; entities: string[] }[];
  stop(): Promise<void>;
}

export const KNOWN_NAME = 'Grace Hopper';

export async function startPresidioServer(): Promise<PresidioServer> {
  const state: Pick<PresidioServer, 'mood' | 'analysed'> = { mood: 'well', analysed: [] };
  const server = createServer(async (request, response) => {
    let raw = '';
    for await (const chunk of request) raw += chunk;
    if (state.mood === 'silent') return;
    response.setHeader('content-type', 'application/json');
    if (state.mood === 'broken') {
      response.writeHead(500).end('{"error":"boom"}');
    } else if (request.url === '/health') {
      response.end('Presidio Analyzer service is up');
    } else {
      const { text, entities } = JSON.parse(raw);
      state.analysed.push({ text, entities });
      // In code points, as Python counts.
      const at = [...text.slice(0, Math.max(0, text.indexOf(KNOWN_NAME)))].length;
      const found = { entity_type: 'PERSON', start: at, end: at + KNOWN_NAME.length, score: 0.85 };
      response.end(JSON.stringify(text.includes(KNOWN_NAME) ? [found] : []));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return Object.assign(state, {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  });
}
