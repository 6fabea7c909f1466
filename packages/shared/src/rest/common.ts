import { z } from 'zod';

/** A page of a list; `next` is the cursor of the following page, null at the end. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().nullable(), total: z.number().int().optional() });
}

export const PageQuery = z.object({
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

/** Every change asks why; the answer lands in the administrators' audit. */
export const Reason = z.string().trim().min(3, 'say why, in at least 3 characters').max(1000);

/** Organisation-wide actions repeat the organisation's name, so that nobody does them by reflex. */
export const Confirmation = z.string().max(200);

export const Timestamp = z.iso.datetime();

export const ErrorResponse = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
});
