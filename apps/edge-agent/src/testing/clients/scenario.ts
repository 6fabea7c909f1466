/** What a program does with a model; each client says it in its own way. */
export interface Conversation {
  /** Retries that the client makes by itself. */
  readonly retries: number;
  /** `no-such-model` where there is to be none. */
  readonly model: string;
}

/**
 * The same things done with one client. Each gives back all that the client gave, as data.
 */
export interface ClientScenarios {
  chat(with_: Conversation): Promise<unknown>;
  stream(with_: Conversation): Promise<unknown>;
  /** Asks, is told to call a tool, calls it and tells what came of it. */
  tools(with_: Conversation): Promise<unknown>;
  /** The same with answers that come in pieces. */
  streamedTools(with_: Conversation): Promise<unknown>;
  /** Reads the first piece of a stream, then hangs up. */
  abort(with_: Conversation): Promise<unknown>;
  /** What else the client has for this API. */
  more?(with_: Conversation): Promise<unknown>;
}

export type ScenarioName = keyof ClientScenarios;

/** Words of several alphabets: what is counted in bytes, in UTF-16 units and in characters differs. */
export const QUESTION = 'What is the weather in Zürich, 東京 and 🌍 today?';

export const WEATHER = {
  name: 'weather',
  description: 'The weather of a city, today.',
  parameters: {
    type: 'object' as const,
    properties: { city: { type: 'string' as const }, days: { type: 'number' as const } },
    required: ['city', 'days'],
  },
};

/** What the tool answers. */
export function weatherIn(input: unknown): string {
  return `sunny, 21 °C for ${JSON.stringify(input)}`;
}

/** Everything a client gave while it was read. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The first item; the iterator is then closed, as `break` does. */
export async function first<Item>(items: AsyncIterable<Item>): Promise<Item | undefined> {
  for await (const item of items) return item;
  return undefined;
}
