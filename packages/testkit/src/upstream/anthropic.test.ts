import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { startFakeUpstream } from './start-fake-upstream.ts';

const upstream = await startFakeUpstream();
const client = new Anthropic({ baseURL: upstream.url, apiKey: 'any', maxRetries: 0 });
const hello = {
  model: 'claude-example',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'Grüße, 世界' }],
};
const tools = [
  {
    name: 'weather',
    input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] },
  },
];

beforeEach(() => upstream.reset());
afterAll(() => upstream.stop());

describe('the fake upstream, to the official Anthropic client', () => {
  it('answers a message', async () => {
    const message = await client.messages.create(hello);
    expect(message.content).toEqual([{ type: 'text', text: 'You said: Grüße, 世界' }]);
    expect(message.stop_reason).toBe('end_turn');
    expect(message._request_id).toMatch(/^req_/);
  });

  it('streams in the order of the real service, with usage as a running total', async () => {
    const stream = client.messages.stream(hello);
    const types: string[] = [];
    stream.on('streamEvent', (event) => types.push(event.type));
    const message = await stream.finalMessage();
    expect(message.content).toEqual([{ type: 'text', text: 'You said: Grüße, 世界' }]);
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(message.usage.output_tokens).toBe((await client.messages.create(hello)).usage.output_tokens);
  });

  it('sends a ping inside the stream', async () => {
    const response = await fetch(`${upstream.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'any', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...hello, stream: true }),
    });
    expect(await response.text()).toContain('event: ping\ndata: {"type":"ping"}\n\n');
  });

  it('uses a tool, then its result', async () => {
    const first = await client.messages.create({ ...hello, tools });
    const use = first.content[0];
    if (use?.type !== 'tool_use') throw new Error('There is no tool use.');
    expect(use.input).toEqual({ city: 'Grüße, 世界' });
    const second = await client.messages.create({
      ...hello,
      tools,
      messages: [
        ...hello.messages,
        { role: 'assistant', content: first.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'sunny' }] },
      ],
    });
    expect(second.content).toEqual([{ type: 'text', text: 'The tool answered: sunny' }]);
  });

  it('streams the input of a tool in pieces that the client puts together', async () => {
    upstream.behave({ bytesPerWrite: 5 });
    const message = await client.messages.stream({ ...hello, tools }).finalMessage();
    expect(message.content[0]).toMatchObject({ type: 'tool_use', input: { city: 'Grüße, 世界' } });
    expect(message.stop_reason).toBe('tool_use');
  });

  it('counts tokens', async () => {
    const { model, messages } = hello;
    expect((await client.messages.countTokens({ model, messages })).input_tokens).toBeGreaterThan(0);
  });

  it('fails in the shapes that the client turns into its own errors', async () => {
    const ask = () => client.messages.create(hello);
    upstream.behave({ acceptKey: () => false });
    await expect(ask()).rejects.toThrow(Anthropic.AuthenticationError);
    upstream.behave({ acceptKey: () => true, failWith: 403 });
    await expect(ask()).rejects.toThrow(Anthropic.PermissionDeniedError);
    upstream.behave({ failWith: 529 });
    await expect(ask()).rejects.toMatchObject({
      status: 529,
      error: { error: { type: 'overloaded_error' } },
    });
    upstream.behave({ failWith: undefined });
    await expect(client.messages.create({ ...hello, model: 'no-such-model' })).rejects.toThrow(
      Anthropic.NotFoundError,
    );
    await expect(client.messages.create({ ...hello, max_tokens: 0 })).rejects.toThrow(/max_tokens/);
  });

  it('refuses a request without a version, as the service does', async () => {
    const response = await fetch(`${upstream.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'any' },
      body: JSON.stringify(hello),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
  });

  it('breaks a stream in the middle, with an error or without one', async () => {
    upstream.behave({ errorAfterEvents: 4 });
    await expect(client.messages.stream(hello).finalMessage()).rejects.toThrow(/[Oo]verloaded/);
    upstream.behave({ errorAfterEvents: undefined, dropAfterEvents: 4 });
    await expect(client.messages.stream(hello).finalMessage()).rejects.toThrow();
  });
});
