import { batchStatement, GENESIS_HASH } from '../chain.ts';
import { fromBase64 } from '../note/base64.ts';
import type { DeviceKeys } from './device-keys.ts';
import type { FaultLog } from './fault-log.ts';
import type { LineCursor } from './line-cursor.ts';
import type { BatchLine } from './lines.ts';
import type { DeviceEntry } from './read-entry.ts';

/** Checks ECDSA P-256 with SHA-256: the key's SPKI, what was signed, the DER signature. */
export type VerifyDeviceSignature = (
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

/**
 * How an entry is covered: its batch goes on; its batch ends with it and the device signed that; or nothing that can be
 * held to a signature covers it.
 */
export type DeviceCover = 'open' | 'signed' | 'unsigned';

interface ChainState {
  seq: number;
  hash: string;
  /** How often entries were missing before this was seen. */
  gaps: number;
}

/** Holds entries to the chains of their devices, and to the batches that devices signed. */
export class DeviceRecord {
  readonly #chains = new Map<string, ChainState>();
  readonly #keys: DeviceKeys;
  readonly #batches: LineCursor<BatchLine>;
  readonly #verify: VerifyDeviceSignature;
  readonly #faults: FaultLog;
  #batch: BatchLine | undefined;
  /** Entries of this batch that were here, one after the other. */
  #inBatch = 0;
  #gaps = 0;
  /** Entries are missing since the last one that was seen. */
  #afterGap = false;
  /** No control entry was there yet: what is here was stored before signatures were kept. */
  #beforeSignatures = true;
  signedBatches = 0;
  /** Entries that no device signed, all of them before the first control entry. */
  unsignedEntries = 0;
  /** Entries whose batch ends among entries that are not here: its signature cannot be held to them. */
  cutEntries = 0;

  constructor(
    keys: DeviceKeys,
    batches: LineCursor<BatchLine>,
    verify: VerifyDeviceSignature,
    faults: FaultLog,
  ) {
    this.#keys = keys;
    this.#batches = batches;
    this.#verify = verify;
    this.#faults = faults;
  }

  get devices(): number {
    return this.#chains.size;
  }

  /** Entries are not there: what comes next cannot be held to what came before. */
  missing(): void {
    this.cutEntries += this.#inBatch;
    this.#inBatch = 0;
    this.#gaps += 1;
    this.#beforeSignatures = false;
    this.#afterGap = true;
  }

  async deviceEntry(index: number, entry: DeviceEntry, hash: string): Promise<DeviceCover> {
    this.#extend(index, entry, hash);
    await this.#openBatchAt(index);
    this.#afterGap = false;
    const batch = this.#batch;
    const { device, seq } = entry;
    if (batch === undefined && this.#beforeSignatures) {
      this.unsignedEntries += 1;
      return 'unsigned';
    }
    if (batch === undefined) {
      const detail = 'No batch that the device signed has this entry.';
      this.#faults.add({ code: 'device-signature', index, device, seq, detail });
      return 'unsigned';
    }
    this.#inBatch += 1;
    if (batch.device !== device || batch.firstSeq + (index - batch.index) !== seq) {
      const detail = 'The batch at this place is of another device, or of other entries.';
      this.#faults.add({ code: 'device-signature', index, device, seq, detail });
    }
    if (index < endOf(batch) - 1) return 'open';
    this.#close();
    if (batch.head !== hash) {
      const detail = 'The batch that the device signed ends with another entry.';
      this.#faults.add({ code: 'device-signature', index, device, seq, detail });
    }
    return (await this.#checkSignature(batch, entry.organisation)) ? 'signed' : 'unsigned';
  }

  /** At this index there is an entry that is of no device. */
  async otherEntry(index: number): Promise<void> {
    this.#beforeSignatures = false;
    await this.#openBatchAt(index);
    this.#afterGap = false;
    if (this.#batch === undefined) return;
    const { device } = this.#batch;
    const detail = 'Where the device signed a batch, there is an entry that is not of it.';
    this.#faults.add({ code: 'device-signature', index, device, detail });
    if (index === endOf(this.#batch) - 1) this.#close();
  }

  /** At the end of the log: every batch is over. */
  async finish(): Promise<void> {
    if (this.#batch !== undefined && !this.#afterGap) this.#unfinished(this.#batch);
    // What begins behind a gap that reaches to the end of the log has no entries to be held to.
    for await (const batch of this.#batches.rest()) if (!this.#afterGap) this.#unfinished(batch);
  }

  #extend(index: number, { device, seq, prev }: DeviceEntry, hash: string): void {
    const state = this.#chains.get(device) ?? { seq: 0, hash: GENESIS_HASH, gaps: 0 };
    this.#chains.set(device, { seq, hash, gaps: this.#gaps });
    const fault = (detail: string) => this.#faults.add({ code: 'device-chain', index, device, seq, detail });
    if (state.gaps < this.#gaps) {
      if (seq <= state.seq) fault(`Entry ${seq} of this device comes after its entry ${state.seq}.`);
    } else if (seq !== state.seq + 1) {
      fault(`Entry ${state.seq + 1} of this device should be here, and there is ${seq}.`);
    } else if (prev !== state.hash) {
      fault('It does not continue the entry before it: that one was changed, or this one.');
    }
  }

  async #openBatchAt(index: number): Promise<void> {
    if (this.#batch !== undefined && index < endOf(this.#batch)) return;
    this.#close();
    for (let line = await this.#batches.peek(); line !== undefined; line = await this.#batches.peek()) {
      if (line.index > index) return;
      this.#batches.skip();
      if (line.index === index || (this.#afterGap && index < endOf(line))) {
        this.#batch = line;
        return;
      }
      if (!this.#afterGap) this.#unfinished(line);
    }
  }

  #close(): void {
    this.#batch = undefined;
    this.#inBatch = 0;
  }

  #unfinished({ index, device }: BatchLine): void {
    const detail = 'A batch that the device signed is not here, or not all of it.';
    this.#faults.add({ code: 'truncated', index, device, detail });
  }

  async #checkSignature(batch: BatchLine, organisation: string): Promise<boolean> {
    const { index, device, head, firstSeq, count } = batch;
    const statement = batch.statement ?? { firstSeq, count };
    const key = this.#keys.keyFor(device, index);
    const fault = (code: 'unknown-device-key' | 'device-signature', detail: string): false => {
      this.#faults.add({ code, index, device, seq: firstSeq, detail });
      return false;
    };
    if (key === undefined) {
      return fault('unknown-device-key', 'No entry before this batch commits to a key of its device.');
    }
    if (statement.firstSeq > firstSeq || statement.firstSeq + statement.count !== firstSeq + count) {
      return fault('device-signature', 'What the device signed ends elsewhere than the batch.');
    }
    const message = batchStatement({ organisation, device, head, ...statement });
    if (!(await this.#verify(key, message, fromBase64(batch.signature) ?? new Uint8Array()))) {
      return fault(
        'device-signature',
        "The signature of this batch is not of the device's key, or not over it.",
      );
    }
    this.signedBatches += 1;
    return true;
  }
}

function endOf({ index, count }: BatchLine): number {
  return index + count;
}
