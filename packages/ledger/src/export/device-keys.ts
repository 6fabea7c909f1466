import { fromBase64 } from '../note/base64.ts';
import { DeviceKeyEntry } from './control-entry.ts';
import type { FaultLog } from './fault-log.ts';
import type { DeviceLine } from './lines.ts';
import { type ReadEntry, readEntry } from './read-entry.ts';

/** The keys that the log commits to, from `devices.ndjson`; each line is held to the entry that it names. */
export class DeviceKeys {
  readonly #byDevice = new Map<string, DeviceLine[]>();
  readonly #byIndex = new Map<number, DeviceLine>();
  readonly #proven = new Set<DeviceLine>();
  readonly #faults: FaultLog;

  constructor(faults: FaultLog) {
    this.#faults = faults;
  }

  get devices(): number {
    return this.#byDevice.size;
  }

  get lines(): Iterable<DeviceLine> {
    return this.#byIndex.values();
  }

  add(line: DeviceLine): void {
    if (this.#byIndex.has(line.from)) {
      this.#fault(line, 'Two keys are said to be committed to by one entry.');
      return;
    }
    this.#byIndex.set(line.from, line);
    const keys = this.#byDevice.get(line.device) ?? [];
    keys.push(line);
    keys.sort((left, right) => left.from - right.from);
    this.#byDevice.set(line.device, keys);
  }

  /** Holds a line to the entry it brings along, whose bytes were found to be the leaf at `from`. */
  prove(line: DeviceLine): void {
    this.entryAt(line.from, readEntry(fromBase64(line.entry ?? '') ?? new Uint8Array()));
  }

  /** Takes the entry at an index: one that commits to a key has its line. */
  entryAt(index: number, read: ReadEntry): void {
    if (read.kind !== 'control' || read.entry.kind !== 'device-key') return;
    const parsed = DeviceKeyEntry.safeParse(read.entry);
    if (!parsed.success) {
      const detail = 'An entry that shall commit to the key of a device cannot be read.';
      this.#faults.add({ code: 'malformed', index, detail });
      return;
    }
    const line = this.#byIndex.get(index);
    const { device, publicKey, organisation } = parsed.data;
    if (line?.device === device && line.publicKey === publicKey && line.organisation === organisation) {
      this.#proven.add(line);
    } else {
      this.#faults.add({
        code: 'unknown-device-key',
        index,
        device,
        detail: 'The log commits to a key of this device that devices.ndjson does not have.',
      });
    }
  }

  /** SPKI of the key in force for a batch at this index: the last one committed to before it. */
  keyFor(device: string, index: number): Uint8Array | undefined {
    const line = this.#byDevice.get(device)?.findLast(({ from }) => from < index);
    return line === undefined || !this.#proven.has(line) ? undefined : fromBase64(line.publicKey);
  }

  finish(): void {
    for (const line of this.#byIndex.values()) {
      if (!this.#proven.has(line)) this.#fault(line, 'The entry that shall commit to this key does not.');
    }
  }

  #fault({ device, from }: DeviceLine, detail: string): void {
    this.#faults.add({ code: 'unknown-device-key', index: from, device, detail });
  }
}
