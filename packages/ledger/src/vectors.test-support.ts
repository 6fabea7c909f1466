import { readFileSync } from 'node:fs';
import type { z } from 'zod';

/** A file of `vectors/`, in the shape that a test expects of it. */
export function readVectors<T extends z.ZodType>(file: string, shape: T): z.output<T> {
  return shape.parse(JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8')));
}

export const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');
export const base64 = (text: string): Uint8Array => Buffer.from(text, 'base64');
