import { Ollama } from 'ollama';
import { afterAll, describe, expect, it } from 'vitest';
import { startFakeUpstream } from './start-fake-upstream.ts';

const upstream = await startFakeUpstream();
afterAll(() => upstream.stop());

async function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${upstream.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
}

describe('the fake upstream, as Ollama', () => {
  it('streams a chat as lines of JSON and ends with counts', async () => {
    const response = await post('/api/chat', {
      model: 'llama3.2',
      messages: [{ role: 'user', content: 'hello there' }],
    });
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ message }) => message.content).join('')).toBe('You said: hello there');
    expect(lines.map(({ done }) => done)).toEqual([...lines.slice(1).map(() => false), true]);
    expect(lines.at(-1)).toMatchObject({ done_reason: 'stop', prompt_eval_count: 3 });
  });

  it('generates in one answer when streaming is off', async () => {
    const response = await post('/api/generate', { model: 'llama3.2', prompt: 'hello', stream: false });
    expect(await response.json()).toMatchObject({ response: 'You said: hello', done: true });
  });

  it('does not know every model', async () => {
    const response = await post('/api/chat', {
      model: 'no-such-model',
      messages: [{ role: 'user', content: 'x' }],
    });
    expect([response.status, await response.json()]).toEqual([
      404,
      { error: "model 'no-such-model' not found" },
    ]);
  });

  it('has tools, embeddings and a list of models for its own client', async () => {
    const client = new Ollama({ host: upstream.url });
    const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const tools = [{ type: 'function', function: { name: 'weather', description: 'Of a city', parameters } }];
    const ask = { role: 'user', content: 'Oslo' };
    const { message } = await client.chat({ model: 'llama3.2', messages: [ask], tools });
    expect(message.tool_calls).toEqual([{ function: { name: 'weather', arguments: { city: 'Oslo' } } }]);
    const told = { role: 'tool', tool_name: 'weather', content: 'sunny' };
    const answer = await client.chat({ model: 'llama3.2', messages: [ask, message, told], tools });
    expect(answer.message.content).toBe('The tool answered: sunny');
    const { embeddings } = await client.embed({ model: 'llama3.2', input: ['a', 'b'] });
    expect(embeddings.map(({ length }) => length)).toEqual([8, 8]);
    expect((await client.list()).models).toHaveLength(1);
  });
});
