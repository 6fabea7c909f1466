import { z } from 'zod';

/** The type of the entries in which devices say how far they have followed the log that they are written to. */
export const DEVICE_STATEMENT = 'ledger.followed';

/** Shape of `data` in such an entry. */
export const DeviceStatement = z.looseObject({
  /** Names the log. */
  origin: z.string(),
  /** Entries in it. */
  size: z.int().min(0),
  /** Lower-case hex. */
  root: z.string().regex(/^[0-9a-f]{64}$/),
});
export type DeviceStatement = z.infer<typeof DeviceStatement>;
