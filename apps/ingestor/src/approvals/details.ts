import type { Approval } from '@raypher/shared/rest';
import { z } from 'zod';
import { plainText } from '../ingest/plain-text.ts';

const MOST_DETAILS = 24;

const Private = z.object({
  details: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string())])),
});

/**
 * What a device kept beside its entry about a question. The bytes are those that the entry commits to; what they say is the
 * device's word, made fit for a screen here.
 *
 * @returns null when it was erased, or is nothing that an agent would write
 */
export function readDetails(content: Uint8Array | null): Approval['details'] {
  if (content === null) return null;
  const parsed = Private.safeParse(parseJson(Buffer.from(content).toString('utf8')));
  if (!parsed.success) return null;
  return Object.fromEntries(
    Object.entries(parsed.data.details)
      .slice(0, MOST_DETAILS)
      .map(([key, value]) => [plainText(key, 64), plainValue(value)]),
  );
}

function plainValue(value: string | number | string[]): string | number | string[] {
  if (typeof value === 'number') return value;
  return typeof value === 'string'
    ? plainText(value, 1_000)
    : value.slice(0, 64).map((item) => plainText(item, 200));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
