import { bytesToHex } from '@noble/hashes/utils.js';
import { DEVICE_STATEMENT, DeviceStatement } from '../follow/device-statement.ts';
import type { DeviceCover } from './device-record.ts';
import type { FaultLog } from './fault-log.ts';
import type { PastRoots } from './past-roots.ts';
import type { DeviceEntry } from './read-entry.ts';

/**
 * Holds the log to what devices signed that they saw of it. Whoever has the log's key can build the log anew, but not
 * sign for the devices in it, whose chains would show what he left out.
 */
export class StatementRecord {
  readonly #origin: string | undefined;
  readonly #roots: PastRoots;
  readonly #faults: FaultLog;
  readonly #devices = new Set<string>();
  /** Statements of the batch that is being read: they count once its signature was found to be valid. */
  #pending: { device: string; size: number }[] = [];
  /** Statements that the log agrees with, and that devices signed. */
  agreed = 0;
  /** Statements about another log: the one that this one goes on from. */
  aboutOthers = 0;
  /** The largest size that a device said it saw. */
  seenUntil = 0;

  /** @param origin of the log; undefined when nothing says which it is */
  constructor(origin: string | undefined, roots: PastRoots, faults: FaultLog) {
    this.#origin = origin;
    this.#roots = roots;
    this.#faults = faults;
  }

  /** Devices whose statements the log agrees with. */
  get devices(): number {
    return this.#devices.size;
  }

  /** Takes the next entry of a device, after its chain and batch were looked at. */
  async entry(index: number, entry: DeviceEntry, cover: DeviceCover): Promise<void> {
    if (entry.type === DEVICE_STATEMENT) await this.#statement(index, entry);
    if (cover === 'open') return;
    for (const { device, size } of cover === 'signed' ? this.#pending : []) {
      this.agreed += 1;
      this.#devices.add(device);
      this.seenUntil = Math.max(this.seenUntil, size);
    }
    this.#pending = [];
  }

  /** The batch that was being read is over, and nobody can say whether it was signed. */
  cut(): void {
    this.#pending = [];
  }

  async #statement(index: number, { device, seq, data }: DeviceEntry): Promise<void> {
    const fault = (detail: string) =>
      this.#faults.add({ code: 'statement-mismatch', index, device, seq, detail });
    const statement = DeviceStatement.safeParse(data);
    if (!statement.success) {
      fault('What the device says of the log cannot be read.');
      return;
    }
    const { origin, size, root } = statement.data;
    if (origin !== this.#origin) {
      this.aboutOthers += 1;
      return;
    }
    if (size > index) {
      fault(`The device saw a log of ${size} entries before this one, which is number ${index}.`);
      return;
    }
    const found = await this.#roots.at(size);
    if (found === undefined) return;
    if (bytesToHex(found) !== root) {
      fault(`The device saw another log: its ${size} entries had the root ${root}.`);
      return;
    }
    this.#pending.push({ device, size });
  }
}
