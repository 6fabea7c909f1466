import type { Prisma } from '../generated/prisma/client.ts';

/**
 * A value as JSON that Postgres can keep: what JSON cannot say (undefined, dates, bigint) becomes what it
 * can, and the zero byte, which jsonb refuses, goes.
 */
export function toJson(value: unknown): Prisma.InputJsonValue {
  const text = JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return Number(part);
    return typeof part === 'string' ? part.replaceAll('\u0000', '') : part;
  });
  // Just made by JSON.stringify from a defined value, so it is JSON.
  return JSON.parse(text) as Prisma.InputJsonValue;
}
