import type { LedgerEntryView } from '@raypher/shared/rest';
import { z } from 'zod';
import { recordWords, targetWords } from '@/lib/record-words.ts';

const DeviceEntry = z.object({ type: z.string(), target: z.string() });
/** What an entry of the control plane is about, as far as its kind says it. */
const ControlEntry = z.object({
  action: z.string().optional(),
  revision: z.number().optional(),
  device: z.string().optional(),
  verb: z.string().optional(),
});

export interface EntrySummary {
  what: string;
  /** The record's own word for it: the type of an event, the action of an administrator. */
  code?: string;
  target: string;
}

/** An entry in a line. What cannot be read is said, never hidden. */
export function summarise({ entry, control }: Pick<LedgerEntryView, 'entry' | 'control'>): EntrySummary {
  if (entry === null) return { what: 'Not in the database', target: 'Its content is in the archive.' };
  const value = parse(entry);
  if (control === null) {
    const device = DeviceEntry.safeParse(value);
    return device.success
      ? { ...named(device.data.type), target: targetWords(device.data.type, device.data.target) }
      : { what: 'Unreadable', target: 'This is no ledger entry.' };
  }
  const { data } = ControlEntry.safeParse(value);
  const target = [
    data?.verb,
    data?.revision === undefined ? undefined : `revision ${data.revision}`,
    data?.device === undefined ? undefined : `device ${data.device}`,
  ];
  return {
    ...named(data?.action ?? control.kind),
    target: target.filter((part) => part !== undefined).join(', '),
  };
}

function named(code: string): Pick<EntrySummary, 'what' | 'code'> {
  return { what: recordWords(code), code };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
