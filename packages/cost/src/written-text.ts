import { tokenWeight } from './estimate-tokens.ts';
import { isObject } from './json-path.ts';

/** Names and labels around what a model wrote; nobody charges for them. */
const NOT_WRITTEN = new Set([
  'id',
  'call_id',
  'item_id',
  'type',
  'role',
  'object',
  'status',
  'finish_reason',
  'finishReason',
  'stop_reason',
  'native_finish_reason',
  'signature',
  'mimeType',
]);

/** Deeper than any answer nests; below it nothing is read, so that hostile JSON cannot exhaust the stack. */
const DEEPEST = 32;

/** Weight in tokens of all text inside a part of an answer. */
export function writtenWeight(part: unknown, depth = 0): number {
  if (typeof part === 'string') return tokenWeight(part);
  if (depth >= DEEPEST) return 0;
  if (Array.isArray(part)) return part.reduce((sum: number, item) => sum + writtenWeight(item, depth + 1), 0);
  if (!isObject(part)) return 0;
  let sum = 0;
  for (const [key, value] of Object.entries(part)) {
    if (!NOT_WRITTEN.has(key)) sum += writtenWeight(value, depth + 1);
  }
  return sum;
}
