import { z } from 'zod';

const id = z.union([z.string(), z.number()]);

/** Calls of a tool; everything else passes as it is. */
export const ToolCall = z.looseObject({
  id: id.optional(),
  method: z.literal('tools/call'),
  params: z.looseObject({ name: z.string().min(1), arguments: z.unknown().optional() }),
});
export type ToolCall = z.infer<typeof ToolCall>;

export const Cancelled = z.looseObject({
  method: z.literal('notifications/cancelled'),
  params: z.looseObject({ requestId: id }),
});

export const Answer = z.looseObject({ id, result: z.looseObject({}).optional() });

export const ToolList = z.looseObject({ tools: z.array(z.looseObject({ name: z.string() })) });

export type MessageId = z.infer<typeof id>;

/** What an AI agent reads where the answer of the tool would be. */
export function deniedResult(id: MessageId, text: string): string {
  const result = { content: [{ type: 'text', text }], isError: true };
  return `${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`;
}

/** For what is no message that two readers would understand alike. */
export function protocolError(id: MessageId | null, code: number, message: string): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } })}\n`;
}

export function methodOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null ? Reflect.get(message, 'method') : undefined;
}

/** One for all ids that some reader takes for the same: clients turn `"1"` into a number. */
export function idKey(id: MessageId): string {
  const number = typeof id === 'string' && id.trim() === '' ? Number.NaN : Number(id);
  return String(Number.isFinite(number) ? number : id);
}

const MEMBERS = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error']);
const OF_CALLS = new Set(['name', 'arguments']);

/** Whether it has a member that only readers who do not mind case take for one of the protocol (Go does). */
export function isDisguised(message: unknown): boolean {
  if (typeof message !== 'object' || message === null) return false;
  if (Array.isArray(message)) return message.some(isDisguised);
  if (hasDisguised(message, MEMBERS)) return true;
  return methodOf(message) === 'tools/call' && hasDisguised(Reflect.get(message, 'params'), OF_CALLS);
}

function hasDisguised(value: unknown, names: ReadonlySet<string>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  // Up and down again: `ſ` and the Kelvin sign become letters on different ways.
  return Object.keys(value).some((key) => !names.has(key) && names.has(key.toUpperCase().toLowerCase()));
}

export function idOf(message: unknown): MessageId | undefined {
  const parsed = id.safeParse(
    typeof message === 'object' && message !== null ? Reflect.get(message, 'id') : undefined,
  );
  return parsed.success ? parsed.data : undefined;
}
