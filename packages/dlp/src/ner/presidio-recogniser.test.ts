import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CircuitBreaker, CircuitOpenError } from './circuit-breaker.ts';
import { withFallback } from './fallback-recogniser.ts';
import { PresidioAnswerError, PresidioRecogniser } from './presidio-recogniser.ts';
import { ruleRecogniser } from './rule-recogniser.ts';

/** Speaks as the analyser does: offsets in code points, errors as JSON, a sentence for health. */
type Mood = 'well' | 'broken' | 'silent' | 'babbling' | 'astray' | 'elsewhere';
let mood: Mood = 'well';
let calls: { path: string | undefined; body: Record<string, unknown> }[] = [];

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let raw = '';
  for await (const chunk of request) raw += chunk;
  const body: Record<string, unknown> = raw === '' ? {} : JSON.parse(raw);
  calls.push({ path: request.url, body });
  if (mood === 'silent') return;
  if (mood === 'elsewhere') return void response.writeHead(307, { location: '/other' }).end();
  if (mood === 'broken')
    return void response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"boom"}');
  if (request.url === '/health') return void response.end('Presidio Analyzer service is up');
  if (mood === 'babbling') return void response.end('<html>');
  const points = [...String(body.text)];
  const at =
    points.join('').indexOf('Ada') === -1
      ? -1
      : points.findIndex((_, index) => points.slice(index, index + 3).join('') === 'Ada');
  const entities =
    at === -1
      ? []
      : [
          {
            entity_type: 'PERSON',
            start: at,
            end: mood === 'astray' ? 9_999 : at + 3,
            score: 0.85,
            analysis_explanation: null,
          },
        ];
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(entities));
}

const server = createServer((request, response) => void answer(request, response));
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let time = 0;
function recogniser(timeoutMs = 20_000): PresidioRecogniser {
  const breaker = new CircuitBreaker({ failures: 2, restMs: 1_000, now: () => time });
  return new PresidioRecogniser({
    url,
    fetch,
    breaker,
    language: 'en',
    scoreThreshold: 0.5,
    timeoutMs,
    concurrency: 1,
  });
}
beforeEach(() => {
  mood = 'well';
  calls = [];
  time = 0;
});

describe('Presidio', () => {
  it('is asked in its own words, and its code points become UTF-16 offsets', async () => {
    const text = '😀😀 Ada ü';
    const [[entity] = []] = await recogniser().recognise([text]);
    expect(text.slice(entity?.start, entity?.end)).toBe('Ada');
    expect(calls).toEqual([{ path: '/analyze', body: { text, language: 'en', score_threshold: 0.5 } }]);
  });

  it('answers for each text, and empty ones are not sent', async () => {
    expect((await recogniser().recognise(['x', ' ', 'Ada'])).map((entities) => entities.length)).toEqual([
      0, 0, 1,
    ]);
    expect(calls).toHaveLength(2);
  });

  it('says whether it is up', async () => {
    expect(await recogniser().healthy()).toBe(true);
    mood = 'broken';
    expect(await recogniser().healthy()).toBe(false);
    mood = 'silent';
    expect(await recogniser(50).healthy()).toBe(false);
  });

  it.each(['broken', 'babbling', 'astray'] as const)('an answer that is %s is an error', async (bad) => {
    mood = bad;
    await expect(recogniser().recognise(['Ada'])).rejects.toThrow(PresidioAnswerError);
  });

  it('a text follows no redirect', async () => {
    mood = 'elsewhere';
    await expect(recogniser().recognise(['Ada'])).rejects.toThrow();
    expect(calls.map(({ path }) => path)).toEqual(['/analyze']);
  });

  it('a silent one is waited for no longer than the timeout', async () => {
    mood = 'silent';
    await expect(recogniser(50).recognise(['Ada'])).rejects.toThrow(/timeout/i);
  });

  it('after failures in a row it is left alone, then asked once', async () => {
    const presidio = recogniser();
    mood = 'broken';
    for (let round = 0; round < 2; round++)
      await expect(presidio.recognise(['Ada'])).rejects.toThrow(PresidioAnswerError);
    await expect(presidio.recognise(['Ada'])).rejects.toThrow(CircuitOpenError);
    expect(calls).toHaveLength(2);
    mood = 'well';
    time = 1_001;
    expect(await presidio.recognise(['Ada', 'Ada'])).toHaveLength(2);
    expect(calls).toHaveLength(4);
  });

  it('when it fails the rules answer and the reason is told; a call given up is not tried again', async () => {
    const reasons: unknown[] = [];
    const both = withFallback(recogniser(), ruleRecogniser, (error) => reasons.push(error));
    mood = 'broken';
    expect((await both.recognise(['Dr. Ada Dyke']))[0]).toHaveLength(1);
    expect(reasons).toEqual([expect.any(PresidioAnswerError)]);
    await expect(both.recognise(['Dr. Ada Dyke'], AbortSignal.abort())).rejects.toThrow();
    expect(reasons).toHaveLength(1);
  });
});
