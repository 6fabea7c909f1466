/** What the fake model decided to say: the same for the same request. */
export type Reply =
  | { kind: 'text'; text: string }
  | { kind: 'tool'; name: string; input: Record<string, unknown> };

interface Tool {
  name: string;
  schema: unknown;
}

export interface Conversation {
  /** The text of the last message. */
  last: string;
  /** Whether that message brings the result of a tool. */
  afterTool: boolean;
  tools: Tool[];
  /** A tool the caller insists on. */
  forced?: string | undefined;
  /** False when the caller forbids tools for this turn. */
  toolsAllowed: boolean;
}

/**
 * Echoes: calls the first (or the demanded) tool once when tools are offered, repeats a tool's result, and otherwise
 * repeats what the person said. An agent loop on it therefore always ends.
 */
export function replyTo(conversation: Conversation): Reply {
  if (conversation.afterTool) return { kind: 'text', text: `The tool answered: ${conversation.last}` };
  const wanted =
    conversation.tools.find(({ name }) => name === conversation.forced) ?? conversation.tools.at(0);
  if (conversation.toolsAllowed && wanted !== undefined) {
    return { kind: 'tool', name: wanted.name, input: exampleInput(wanted.schema, conversation.last) };
  }
  return { kind: 'text', text: `You said: ${conversation.last}` };
}

interface JsonSchema {
  type?: string;
  enum?: unknown[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

/** Arguments that a JSON schema accepts: strings repeat `text`, numbers are 1, lists are empty. */
function exampleInput(schema: unknown, text: string): Record<string, unknown> {
  // A caller's schema: anything that is not an object schema simply yields no arguments.
  const { properties = {}, required } = (schema ?? {}) as JsonSchema;
  const names = required ?? Object.keys(properties);
  return Object.fromEntries(names.map((name) => [name, exampleValue(properties[name] ?? {}, text)]));
}

function exampleValue(schema: JsonSchema, text: string): unknown {
  if (schema.enum !== undefined) return schema.enum[0];
  // Gemini writes types in capitals.
  switch (schema.type?.toLowerCase()) {
    case 'number':
    case 'integer':
      return 1;
    case 'boolean':
      return true;
    case 'array':
      return [];
    case 'object':
      return exampleInput(schema, text);
    default:
      return text;
  }
}

/** About what real tokenisers count: four characters to a token. Always the same for the same text. */
export function countTokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / 4));
}

/** Cuts a text into stream-sized pieces without cutting a character in half. */
export function pieces(text: string, size: number): string[] {
  const characters = Array.from(text);
  const result: string[] = [];
  for (let at = 0; at < characters.length; at += size) result.push(characters.slice(at, at + size).join(''));
  return result;
}
