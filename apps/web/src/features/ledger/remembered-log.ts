import { z } from 'zod';
import type { RememberedLog, Verification } from './verify-log.ts';

const Remembered = z.object({
  origin: z.string().min(1).max(512),
  vkey: z.string().min(1).max(512),
  size: z.number().int().min(1),
  root: z.string().regex(/^[0-9a-f]{64}$/),
});

const nameOf = (organisation: string): string => `raypher.ledger.${organisation}`;

/** What this browser saw of the organisation's log; undefined before the first verification. */
export function rememberedLog(organisation: string, storage: Storage): RememberedLog | undefined {
  try {
    return Remembered.parse(JSON.parse(storage.getItem(nameOf(organisation)) ?? 'null'));
  } catch {
    return undefined;
  }
}

/** Keeps a log that verified without a finding, so that the next one must continue it. */
export function rememberLog(organisation: string, seen: Verification, storage: Storage): void {
  if (seen.count > 0 || seen.size === 0) return;
  const { origin, vkey, size, root } = seen;
  storage.setItem(nameOf(organisation), JSON.stringify({ origin, vkey, size, root }));
}
