import { ApprovalMinutes, ApprovalScope, hasItsMinutes } from '@raypher/shared';
import { z } from 'zod';

const Person = z.string().min(1).max(200);

/** What people said about one question. */
export const Decision = z
  .strictObject({
    approval: z.uuid(),
    outcome: z.enum(['allow', 'deny']),
    scope: ApprovalScope,
    minutes: ApprovalMinutes.optional(),
    /** Who decided, as the record names them. */
    by: Person,
    /** Who agreed, where two are needed. */
    second: Person.optional(),
    reason: z.string().max(1000).optional(),
  })
  .refine(hasItsMinutes, { message: 'minutes go with the scope minutes, and with no other' });
export type Decision = z.infer<typeof Decision>;
