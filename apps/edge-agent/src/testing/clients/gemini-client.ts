import { type GenerateContentResponse, GoogleGenAI, Type } from '@google/genai';
import type { Origins } from './origins.ts';
import {
  type ClientScenarios,
  type Conversation,
  collect,
  first,
  QUESTION,
  WEATHER,
  weatherIn,
} from './scenario.ts';

const tools = [
  {
    functionDeclarations: [
      {
        name: WEATHER.name,
        description: WEATHER.description,
        parameters: {
          type: Type.OBJECT,
          properties: { city: { type: Type.STRING }, days: { type: Type.NUMBER } },
          required: ['city', 'days'],
        },
      },
    ],
  },
];

/** `@google/genai`, the Gemini API. */
export function gemini({ gemini: baseUrl }: Origins, apiKey: string): ClientScenarios {
  const client = ({ retries }: Conversation) =>
    new GoogleGenAI({
      apiKey,
      httpOptions: { baseUrl, ...(retries > 0 ? { retryOptions: { attempts: retries + 1 } } : {}) },
    });
  const question = { role: 'user', parts: [{ text: QUESTION }] };
  const ask = ({ model }: Conversation, config: object = {}) => ({
    model,
    contents: [question],
    config: { systemInstruction: 'Answer briefly.', temperature: 0.2, ...config },
  });
  const afterCall = (with_: Conversation, answers: readonly GenerateContentResponse[]) => {
    const call = answers.flatMap(({ functionCalls = [] }) => functionCalls)[0];
    if (call?.name === undefined) throw new Error('There is no function call.');
    return {
      ...ask(with_, { tools }),
      contents: [
        question,
        { role: 'model', parts: [{ functionCall: call }] },
        {
          role: 'user',
          parts: [{ functionResponse: { name: call.name, response: { output: weatherIn(call.args) } } }],
        },
      ],
    };
  };
  return {
    chat: (with_) => client(with_).models.generateContent(ask(with_)),
    stream: async (with_) => collect(await client(with_).models.generateContentStream(ask(with_))),
    async tools(with_) {
      const { models } = client(with_);
      const asked = await models.generateContent(ask(with_, { tools }));
      return [asked, await models.generateContent(afterCall(with_, [asked]))];
    },
    async streamedTools(with_) {
      const { models } = client(with_);
      const asked = await collect(await models.generateContentStream(ask(with_, { tools })));
      return [asked, await collect(await models.generateContentStream(afterCall(with_, asked)))];
    },
    async abort(with_) {
      const hangUp = new AbortController();
      const answer = await client(with_).models.generateContentStream(
        ask(with_, { abortSignal: hangUp.signal }),
      );
      // This client leaves a stream that nobody reads on open until its signal says otherwise.
      const beginning = await first(answer);
      hangUp.abort();
      return beginning;
    },
    async more(with_) {
      const { models } = client(with_);
      return [
        await models.countTokens({ model: with_.model, contents: QUESTION }),
        await models.embedContent({ model: 'gemini-embedding-001', contents: ['one', 'ein anderer'] }),
      ];
    },
  };
}
