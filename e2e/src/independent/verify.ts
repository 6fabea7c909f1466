import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { fromBase64 } from './base64.ts';
import { canonicalJson } from './canonical-json.ts';
import type { ExportFiles } from './read-export.ts';
import { openCheckpoint } from './signed-note.ts';
import { GrowingTree, hashEntry, hashLeaf, tilePath } from './tree.ts';

/** What a stranger finds in an export. */
export interface Verdict {
  size: number;
  /** Entries of devices, each with a signature that holds, and of the control plane. */
  devices: number;
  control: number;
  checkpoints: number;
  /** Entries of devices before the first of the control plane: nobody need have signed them. */
  unsigned: number;
  /** In which devices say how far they have followed this log. */
  statements: number;
  faults: string[];
}

interface Batch {
  index: number;
  count: number;
  device: string;
  firstSeq: number;
  head: string;
  signature: string;
  statement?: { firstSeq: number; count: number };
}

type Entry = Record<string, unknown>;

const GENESIS = '0'.repeat(64);
const BUNDLE = 256;

/**
 * Verifies a complete export as docs/ledger-format.md tells a stranger to. Written from that page and the documents
 * that it names; nothing of the product is used.
 *
 * @param vkey the log's key, from somewhere else than the export
 * @param since a checkpoint that was kept from before
 */
export function verifyExport(files: ExportFiles, vkey: string, since?: string): Verdict {
  const verdict: Verdict = {
    size: 0,
    devices: 0,
    control: 0,
    checkpoints: 0,
    unsigned: 0,
    statements: 0,
    faults: [],
  };
  try {
    new Verifier(files, vkey, verdict).verify(since);
  } catch (error) {
    verdict.faults.push(error instanceof Error ? error.message : String(error));
  }
  return verdict;
}

class Verifier {
  readonly #files: ExportFiles;
  readonly #vkey: string;
  readonly #verdict: Verdict;
  readonly #tree = new GrowingTree();
  readonly #organisation: string;
  readonly #batches: Batch[];
  readonly #devices: Entry[];
  readonly #private: Map<number, Buffer>;
  readonly #heads = new Map<string, { number: number; hash: string }>();
  readonly #keys = new Map<string, KeyObject>();
  /** Sizes at which the root is known, and the roots. */
  readonly #known = new Map<number, Buffer>();
  /** The root at each size so far. */
  readonly #roots: string[] = [];
  #origin = '';
  #batch: Batch | undefined;

  constructor(files: ExportFiles, vkey: string, verdict: Verdict) {
    this.#files = files;
    this.#vkey = vkey;
    this.#verdict = verdict;
    const { format, organisation } = JSON.parse(this.#text('manifest.json'));
    if (format !== 'raypher-ledger-export/1') throw new Error('not an export that this verifier knows');
    this.#organisation = organisation;
    this.#batches = this.#lines('batches.ndjson');
    this.#devices = this.#lines('devices.ndjson');
    this.#private = new Map(
      this.#lines<{ index: number; content: string }>('private.ndjson').map(({ index, content }) => [
        index,
        fromBase64(content),
      ]),
    );
  }

  verify(since: string | undefined): void {
    const newest = openCheckpoint(this.#text('checkpoint'), this.#vkey);
    const { size, root } = newest;
    [this.#origin = ''] = this.#text('checkpoint').split('\n');
    this.#verdict.size = size;
    for (const note of [
      ...this.#lines<string>('checkpoints.ndjson'),
      ...(since === undefined ? [] : [since]),
    ]) {
      const older = openCheckpoint(note, this.#vkey);
      const known = this.#known.get(older.size);
      if (older.size > size)
        this.#fault(`a checkpoint of ${older.size} entries is known: the log was rolled back`);
      if (known !== undefined && !known.equals(older.root)) this.#fault(`two roots of ${older.size} entries`);
      this.#known.set(older.size, older.root);
    }
    for (let index = 0; index < size; index += BUNDLE) this.#bundle(index, Math.min(BUNDLE, size - index));
    if (this.#batch !== undefined || this.#batches.length > 0) this.#fault('a batch goes beyond the log');
    if (this.#devices.length > 0) this.#fault('a device is listed whose key no entry has');
    if (!this.#tree.root().equals(root)) this.#fault('the entries do not lead to the signed root');
    this.#tiles();
  }

  #tiles(): void {
    for (const [path, hashes] of this.#tree.tiles()) {
      if (this.#files.get(path)?.equals(hashes) !== true)
        this.#fault(`${path} is not the tile of these entries`);
    }
  }

  #bundle(start: number, width: number): void {
    const path = tilePath('entries', start / BUNDLE, width);
    const bytes = this.#files.get(path);
    if (bytes === undefined) throw new Error(`${path} is missing`);
    let at = 0;
    for (let offset = 0; offset < width; offset += 1) {
      if (at + 2 > bytes.length) throw new Error(`${path} ends early`);
      const length = bytes.readUInt16BE(at);
      const entry = bytes.subarray(at + 2, at + 2 + length);
      if (entry.length !== length) throw new Error(`${path} ends early`);
      this.#entry(start + offset, entry);
      at += 2 + length;
    }
    if (at !== bytes.length) this.#fault(`${path} goes on after its last entry`);
  }

  #entry(index: number, bytes: Buffer): void {
    this.#roots.push(this.#tree.root().toString('hex'));
    this.#tree.add(hashLeaf(bytes));
    const hash = hashEntry(bytes);
    const text = bytes.toString('utf8');
    const entry: Entry = JSON.parse(text);
    if (canonicalJson(entry) !== text) this.#fault(`entry ${index} is not canonical`);
    if (entry.organisation !== this.#organisation) this.#fault(`entry ${index} is of another organisation`);
    if (entry.entry === 'control') this.#control(index, entry, hash);
    else this.#device(index, entry, hash);
    const part = this.#private.get(index);
    if (part !== undefined && hashEntry(part) !== entry.private)
      this.#fault(`the private part of entry ${index} is another`);
    const known = this.#known.get(index + 1);
    if (known === undefined) return;
    this.#verdict.checkpoints += 1;
    if (!this.#tree.root().equals(known))
      this.#fault(`the log is not consistent with its checkpoint of ${index + 1} entries`);
  }

  #link(index: number, chain: string, number: unknown, prev: unknown, hash: string): void {
    const before = this.#heads.get(chain) ?? { number: 0, hash: GENESIS };
    if (number !== before.number + 1 || prev !== before.hash) {
      this.#fault(`entry ${index} does not continue the chain of ${chain} after ${before.number}`);
    }
    this.#heads.set(chain, { number: Number(number), hash });
  }

  #control(index: number, entry: Entry, hash: string): void {
    this.#verdict.control += 1;
    this.#link(index, 'the control plane', entry.id, entry.prev, hash);
    if (entry.kind !== 'device-key') return;
    const listed = this.#devices.findIndex(
      ({ device, publicKey, from }) =>
        device === entry.device && publicKey === entry.publicKey && from === index,
    );
    if (listed < 0) this.#fault(`the key of entry ${index} is not among the devices`);
    else this.#devices.splice(listed, 1);
    const der = fromBase64(String(entry.publicKey));
    this.#keys.set(String(entry.device), createPublicKey({ key: der, format: 'der', type: 'spki' }));
  }

  #device(index: number, entry: Entry, hash: string): void {
    this.#verdict.devices += 1;
    this.#link(index, String(entry.device), entry.seq, entry.prev, hash);
    if (entry.type === 'ledger.followed') this.#statement(index, entry.data as Entry);
    this.#batch ??= this.#batches.shift();
    const batch = this.#batch;
    if (batch === undefined || index < batch.index || index >= batch.index + batch.count) {
      if (this.#verdict.control === 0) {
        this.#verdict.unsigned += 1;
        return;
      }
      this.#fault(`entry ${index} is in no batch`);
      return;
    }
    if (entry.device !== batch.device || entry.seq !== batch.firstSeq + index - batch.index) {
      this.#fault(`entry ${index} is not the one that its batch has at its place`);
    }
    if (index < batch.index + batch.count - 1) return;
    this.#batch = undefined;
    this.#signature(index, batch, hash);
  }

  #statement(index: number, { origin, size, root }: Entry): void {
    if (origin !== this.#origin) return;
    this.#verdict.statements += 1;
    if (this.#roots[Number(size)] !== root)
      this.#fault(`in entry ${index} the device says that it saw another log of ${size} entries`);
  }

  #signature(index: number, batch: Batch, hash: string): void {
    const { device, head, signature } = batch;
    const { firstSeq, count } = batch.statement ?? batch;
    if (head !== hash || firstSeq > batch.firstSeq || firstSeq + count !== batch.firstSeq + batch.count) {
      this.#fault(`the batch that ends with entry ${index} is not what was signed`);
    }
    const statement = {
      context: 'raypher.v1.EventBatch',
      organisation: this.#organisation,
      device,
      firstSeq,
      count,
      head,
    };
    const key = this.#keys.get(device);
    const holds =
      key !== undefined &&
      verify('sha256', Buffer.from(canonicalJson(statement)), key, fromBase64(signature));
    if (!holds) this.#fault(`the device did not sign the batch that ends with entry ${index}`);
  }

  #fault(what: string): void {
    this.#verdict.faults.push(what);
  }

  #text(path: string): string {
    const bytes = this.#files.get(path);
    if (bytes === undefined) throw new Error(`${path} is missing`);
    return bytes.toString('utf8');
  }

  #lines<T = Entry>(path: string): T[] {
    // Only private.ndjson may be missing: without it, nothing was opened.
    const text = this.#files.has(path) || path !== 'private.ndjson' ? this.#text(path) : '';
    // What each line must have is checked where it is used.
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as T);
  }
}
