import { leafHash } from '../merkle/hash.ts';
import { fromBase64 } from '../note/base64.ts';
import type { Sha256 } from '../primitives/primitives.ts';
import { DeviceKeyEntry } from './control-entry.ts';
import type { FaultLog } from './fault-log.ts';
import type { DeviceLine } from './lines.ts';
import { type ReadEntry, readEntry } from './read-entry.ts';

/** No log has as many keys: what a hostile list takes of memory has an end. */
const MOST_KEYS = 1_000_000;

/** A line whose entry, if it came along, was reduced to what is asked of it. */
interface KeptKey extends Omit<DeviceLine, 'entry'> {
  readonly outside?: OutsideEntry;
}

interface OutsideEntry {
  readonly leaf: Uint8Array;
  /** Whether it commits to this key. */
  readonly commits: boolean;
}

/** The keys that the log commits to, from `devices.ndjson`; each line is held to the entry that it names. */
export class DeviceKeys {
  readonly #byDevice = new Map<string, KeptKey[]>();
  readonly #byIndex = new Map<number, KeptKey>();
  readonly #proven = new Set<KeptKey>();
  readonly #size: number;
  readonly #faults: FaultLog;
  readonly #sha256: Sha256;
  #isSorted = true;

  /** @param size entries in the log */
  constructor(size: number, faults: FaultLog, sha256: Sha256) {
    this.#size = size;
    this.#faults = faults;
    this.#sha256 = sha256;
  }

  get lines(): Iterable<KeptKey> {
    return this.#byIndex.values();
  }

  /** All of them come before anything is asked. */
  add({ entry, ...line }: DeviceLine): void {
    if (line.from >= this.#size || this.#byIndex.size >= MOST_KEYS) {
      this.#fault(line, 'The log has no entry that could commit to this key.');
      return;
    }
    if (this.#byIndex.has(line.from)) {
      this.#fault(line, 'Two keys are said to be committed to by one entry.');
      return;
    }
    const key: KeptKey = entry === undefined ? line : { ...line, outside: this.#outside(line, entry) };
    this.#byIndex.set(key.from, key);
    const keys = this.#byDevice.get(key.device) ?? [];
    if ((keys.at(-1)?.from ?? 0) > key.from) this.#isSorted = false;
    keys.push(key);
    this.#byDevice.set(key.device, keys);
  }

  /** The entry that a line brings along was found to be the leaf at `from`. */
  prove(key: KeptKey): void {
    if (key.outside?.commits === true) this.#proven.add(key);
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
    const { device } = parsed.data;
    if (line !== undefined && isSame(line, parsed.data)) {
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
    if (!this.#isSorted) {
      for (const keys of this.#byDevice.values()) keys.sort((left, right) => left.from - right.from);
      this.#isSorted = true;
    }
    const line = this.#byDevice.get(device)?.findLast(({ from }) => from < index);
    return line === undefined || !this.#proven.has(line) ? undefined : fromBase64(line.publicKey);
  }

  finish(): void {
    for (const line of this.#byIndex.values()) {
      if (!this.#proven.has(line)) this.#fault(line, 'The entry that shall commit to this key does not.');
    }
  }

  #outside(line: KeptKey, entry: string): OutsideEntry {
    const bytes = fromBase64(entry) ?? new Uint8Array();
    const read = readEntry(bytes);
    const parsed = DeviceKeyEntry.safeParse(read.kind === 'control' ? read.entry : undefined);
    return { leaf: leafHash(bytes, this.#sha256), commits: parsed.success && isSame(line, parsed.data) };
  }

  #fault({ device, from }: KeptKey, detail: string): void {
    this.#faults.add({ code: 'unknown-device-key', index: from, device, detail });
  }
}

function isSame(line: KeptKey, { device, publicKey, organisation }: DeviceKeyEntry): boolean {
  return line.device === device && line.publicKey === publicKey && line.organisation === organisation;
}
