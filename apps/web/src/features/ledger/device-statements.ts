import { DEVICE_STATEMENT, DeviceStatement } from '@raypher/ledger';
import { z } from 'zod';

const Stated = z.object({
  type: z.literal(DEVICE_STATEMENT),
  device: z.string(),
  data: DeviceStatement,
});

/** What a device signed that it saw of the log, in its entry at `index`. */
export interface StatementAt extends DeviceStatement {
  index: number;
}

/**
 * The newest statement of each device about the log that it is in. An older one says nothing beyond it: whatever is
 * changed below the older is below the newer, too.
 */
export class DeviceStatements {
  readonly #origin: string;
  readonly #newest = new Map<string, StatementAt>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** @param entry the exact bytes as text */
  see(index: number, entry: string): void {
    if (!entry.includes(DEVICE_STATEMENT)) return;
    const stated = Stated.safeParse(JSON.parse(entry));
    if (stated.success && stated.data.data.origin === this.#origin) {
      this.#newest.set(stated.data.device, { index, ...stated.data.data });
    }
  }

  /** By what they say of how many entries, the most first; each with all that say the same. */
  newest(): { size: number; root: string; index: number; devices: number }[] {
    const same = new Map<string, { size: number; root: string; index: number; devices: number }>();
    for (const { size, root, index } of this.#newest.values()) {
      const known = same.get(`${size} ${root}`);
      same.set(`${size} ${root}`, { size, root, index, devices: (known?.devices ?? 0) + 1 });
    }
    return [...same.values()].sort((left, right) => right.size - left.size);
  }
}
