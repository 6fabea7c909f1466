import { ApiError, GoogleGenAI, Type } from '@google/genai';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { startFakeUpstream } from './start-fake-upstream.ts';

const upstream = await startFakeUpstream();
const { models } = new GoogleGenAI({ apiKey: 'any', httpOptions: { baseUrl: upstream.url } });
const model = 'gemini-2.5-flash';
const hello = { model, contents: 'Grüße, 世界' };
const functionDeclarations = [
  {
    name: 'weather',
    parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ['city'] },
  },
];

beforeEach(() => upstream.reset());
afterAll(() => upstream.stop());

describe('the fake upstream, to the official Gemini client', () => {
  it('answers, with usage that adds up', async () => {
    const answer = await models.generateContent(hello);
    expect(answer.text).toBe('You said: Grüße, 世界');
    expect(answer.candidates?.[0]?.finishReason).toBe('STOP');
    const { promptTokenCount = 0, candidatesTokenCount = 0, totalTokenCount } = answer.usageMetadata ?? {};
    expect(totalTokenCount).toBe(promptTokenCount + candidatesTokenCount);
  });

  it('streams the same words, in parts that cut characters', async () => {
    upstream.behave({ bytesPerWrite: 5 });
    let text = '';
    for await (const part of await models.generateContentStream(hello)) text += part.text ?? '';
    expect(text).toBe('You said: Grüße, 世界');
  });

  it('streams one array of JSON where no events are asked for', async () => {
    const answer = await fetch(`${upstream.url}/v1beta/models/${model}:streamGenerateContent`, {
      method: 'POST',
      headers: { 'x-goog-api-key': 'any' },
      body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'hello there' }] }] }),
    });
    const parts: { candidates: { content: { parts: { text: string }[] } }[] }[] = JSON.parse(
      await answer.text(),
    );
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.map(({ candidates }) => candidates[0]?.content.parts[0]?.text).join('')).toBe(
      'You said: hello there',
    );
  });

  it('calls a function, then uses its result', async () => {
    const config = { tools: [{ functionDeclarations }] };
    const first = await models.generateContent({ ...hello, config });
    const call = first.functionCalls?.[0];
    expect(call).toMatchObject({ name: 'weather', args: { city: 'Grüße, 世界' } });
    const second = await models.generateContent({
      model,
      config,
      contents: [
        { role: 'user', parts: [{ text: 'Grüße, 世界' }] },
        { role: 'model', parts: [{ functionCall: call ?? {} }] },
        { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { output: 'sunny' } } }] },
      ],
    });
    expect(second.text).toBe('The tool answered: {"output":"sunny"}');
  });

  it('counts and embeds', async () => {
    expect((await models.countTokens(hello)).totalTokens).toBeGreaterThan(0);
    const { embeddings } = await models.embedContent({ model: 'gemini-embedding-001', contents: ['a', 'b'] });
    expect(embeddings?.map(({ values }) => values?.length)).toEqual([8, 8]);
  });

  it('fails in the shapes that the client turns into its own error', async () => {
    await expect(models.generateContent({ ...hello, model: 'no-such-model' })).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('NOT_FOUND'),
    });
    upstream.behave({ acceptKey: () => false });
    await expect(models.generateContent(hello)).rejects.toThrow(/API_KEY_INVALID/);
    upstream.behave({ acceptKey: () => true, failWith: 503 });
    await expect(models.generateContent(hello)).rejects.toThrow(ApiError);
  });

  it('breaks a stream in the middle', async () => {
    upstream.behave({ errorAfterEvents: 1 });
    const reading = async () => {
      for await (const _part of await models.generateContentStream(hello));
    };
    await expect(reading()).rejects.toThrow(/INTERNAL/);
  });

  it('fails as often as it is told to, and cuts a stream where it is told to', async () => {
    upstream.behave({ failWith: 500, failRequests: 1 });
    await expect(models.generateContent(hello)).rejects.toThrow();
    expect((await models.generateContent(hello)).text).toContain('世界');
    upstream.behave({ cutAt: 70 });
    let text = '';
    for await (const part of await models.generateContentStream(hello)) text += part.text ?? '';
    expect(text).toBe('You said: Grüße, 世界');
  });
});
