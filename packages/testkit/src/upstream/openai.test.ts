import OpenAI from 'openai';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { startFakeUpstream } from './start-fake-upstream.ts';

const upstream = await startFakeUpstream();
const client = new OpenAI({ baseURL: `${upstream.url}/v1`, apiKey: 'any', maxRetries: 0 });
const model = 'gpt-4o-mini';
const hello = { model, messages: [{ role: 'user' as const, content: 'Grüße, 世界' }] };
const weather = {
  type: 'function' as const,
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

beforeEach(() => upstream.reset());
afterAll(() => upstream.stop());

describe('the fake upstream, to the official OpenAI client', () => {
  it('completes a chat with usage that adds up', async () => {
    const { choices, usage } = await client.chat.completions.create(hello);
    expect(choices[0]?.message.content).toBe('You said: Grüße, 世界');
    expect(choices[0]?.finish_reason).toBe('stop');
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
  });

  it('answers the same request the same way every time', async () => {
    const [first, second] = [
      await client.chat.completions.create(hello),
      await client.chat.completions.create(hello),
    ];
    expect({ ...second, id: '' }).toEqual({ ...first, id: '' });
  });

  it('streams the same words and sends usage last when asked', async () => {
    const stream = await client.chat.completions.create({
      ...hello,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    const usages = [];
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usages.push(chunk.usage);
    }
    expect(text).toBe('You said: Grüße, 世界');
    expect(usages.slice(0, -1).every((usage) => usage === null)).toBe(true);
    expect(usages.at(-1)?.total_tokens).toBeGreaterThan(0);
  });

  it('survives events and characters that arrive in parts', async () => {
    upstream.behave({ bytesPerWrite: 3 });
    const stream = client.chat.completions.stream(hello);
    expect(await stream.finalContent()).toBe('You said: Grüße, 世界');
  });

  it('calls an offered tool, then uses its result', async () => {
    const first = await client.chat.completions.create({ ...hello, tools: [weather] });
    const call = first.choices[0]?.message.tool_calls?.[0];
    if (call?.type !== 'function') throw new Error('There is no function call.');
    expect(JSON.parse(call.function.arguments)).toEqual({ city: 'Grüße, 世界' });
    const second = await client.chat.completions.create({
      model,
      tools: [weather],
      messages: [
        ...hello.messages,
        { role: 'assistant', tool_calls: [call] },
        { role: 'tool', tool_call_id: call.id, content: 'sunny' },
      ],
    });
    expect(second.choices[0]?.message.content).toBe('The tool answered: sunny');
  });

  it('streams a tool call in pieces that the client puts together', async () => {
    const stream = client.chat.completions.stream({ ...hello, tools: [weather] });
    const call = (await stream.finalMessage()).tool_calls?.[0];
    expect(call?.type === 'function' && call.function.arguments).toBe('{"city":"Grüße, 世界"}');
  });

  it('speaks the responses API, whole and streamed', async () => {
    const whole = await client.responses.create({ model, input: 'hello' });
    expect(whole.output_text).toBe('You said: hello');
    const stream = client.responses.stream({ model, input: 'hello' });
    const types: string[] = [];
    stream.on('event', (event) => types.push(event.type));
    expect((await stream.finalResponse()).output_text).toBe('You said: hello');
    expect(types.slice(0, 4)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
    ]);
    expect(types.at(-1)).toBe('response.completed');
  });

  it('calls functions in the responses API', async () => {
    const tool = { type: 'function' as const, strict: true, ...weather.function };
    const stream = client.responses.stream({ model, input: 'Oslo', tools: [tool] });
    const call = (await stream.finalResponse()).output[0];
    expect(call).toMatchObject({ type: 'function_call', name: 'weather', arguments: '{"city":"Oslo"}' });
  });

  it('embeds a text into the same vector every time, in both encodings', async () => {
    const request = { model: 'text-embedding-3-small', input: ['a', 'b'] };
    const asBase64 = await client.embeddings.create(request);
    const asFloats = await client.embeddings.create({ ...request, encoding_format: 'float' });
    expect(asBase64.data[0]?.embedding).toHaveLength(8);
    expect(asFloats.data[0]?.embedding[0]).toBeCloseTo(asBase64.data[0]?.embedding[0] ?? Number.NaN);
    expect(asBase64.data[0]?.embedding).not.toEqual(asBase64.data[1]?.embedding);
  });

  it('lists models', async () => {
    const ids = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toContain(model);
  });

  it('fails in the shapes that the client turns into its own errors', async () => {
    const ask = () => client.chat.completions.create(hello);
    upstream.behave({ acceptKey: () => false });
    await expect(ask()).rejects.toThrow(OpenAI.AuthenticationError);
    upstream.behave({ acceptKey: () => true, failWith: 429 });
    await expect(ask()).rejects.toThrow(OpenAI.RateLimitError);
    upstream.behave({ failWith: 500 });
    await expect(ask()).rejects.toThrow(OpenAI.InternalServerError);
    upstream.behave({ failWith: undefined });
    await expect(client.chat.completions.create({ ...hello, model: 'no-such-model' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
    await expect(client.chat.completions.create({ model, messages: [] })).rejects.toMatchObject({
      status: 400,
      param: 'messages',
    });
  });

  it('drops a stream in the middle when told to', async () => {
    upstream.behave({ dropAfterEvents: 2 });
    await expect(client.chat.completions.stream(hello).finalContent()).rejects.toThrow();
    expect(await upstream.requests[0]?.closed).toBe('dropped');
  });

  it('sends an error in the middle of a stream when told to', async () => {
    upstream.behave({ errorAfterEvents: 2 });
    await expect(client.chat.completions.stream(hello).finalContent()).rejects.toThrow(
      'The server had an error.',
    );
  });

  it('notices a client that hangs up early', async () => {
    upstream.behave({ chunkDelayMs: 20, chunkCharacters: 1 });
    const stream = await client.chat.completions.create({ ...hello, stream: true });
    for await (const _ of stream) break;
    expect(await upstream.requests[0]?.closed).toBe('abandoned');
  });

  it('keeps the request for assertions', async () => {
    const arrived = upstream.nextRequest(({ path }) => path.endsWith('/completions'));
    await client.chat.completions.create(hello);
    expect(await arrived).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { authorization: 'Bearer any' },
      json: hello,
    });
  });

  it('serves the same API under another root, as other providers do', async () => {
    const elsewhere = new OpenAI({ baseURL: `${upstream.url}/openai/v1`, apiKey: 'any' });
    const { choices } = await elsewhere.chat.completions.create(hello);
    expect(choices).toHaveLength(1);
  });
});
