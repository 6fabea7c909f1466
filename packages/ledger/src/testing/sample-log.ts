import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { canonicalBytes, sha256Hex } from '../canonical.ts';
import { batchStatement, type ChainHead, EMPTY_CHAIN } from '../chain.ts';
import { appendControlEntry, type ControlHead, EMPTY_CONTROL_CHAIN } from '../export/control-entry.ts';
import type { BatchLine, DeviceLine, PrivateLine } from '../export/lines.ts';
import { type ExportPart, type ExportSource, writeExport } from '../export/write-export.ts';
import { DEVICE_STATEMENT } from '../follow/device-statement.ts';
import { leafHash } from '../merkle/hash.ts';
import { nodePrimitives } from '../node/node-primitives.ts';
import { formatCheckpoint, parseCheckpoint } from '../note/checkpoint.ts';
import { parseNote } from '../note/note.ts';
import { addSignatures, signNote } from '../note/sign-note.ts';
import { formatVerifierKey } from '../note/verifier-key.ts';
import { commitPrivate } from '../private-part.ts';
import { extendTiles } from '../tiles/extend-tiles.ts';
import type { TileId } from '../tiles/tile-id.ts';
import { testSigner, testWitness } from './test-signers.ts';

const AT = '2026-11-30T12:00:00.000Z';

export interface SampleDevice {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: string;
  head: ChainHead;
}

/** A whole log with devices, control plane, witness and checkpoints, kept in memory and as honest as it is told to be. */
export class SampleLog {
  readonly organisation: string = randomUUID();
  readonly origin = `raypher.example/ledger/${this.organisation}`;
  readonly log = testSigner(this.origin);
  readonly witness = testWitness('witness.example/w1');
  readonly entries: Uint8Array[] = [];
  readonly batches: BatchLine[] = [];
  readonly devices: DeviceLine[] = [];
  readonly privateParts: PrivateLine[] = [];
  readonly checkpoints: string[] = [];
  #control: ControlHead = EMPTY_CONTROL_CHAIN;
  #integrated = 0;
  readonly #tiles = new Map<string, Uint8Array>();

  get vkey(): string {
    return formatVerifierKey(this.log.key);
  }

  get witnessKey(): string {
    return formatVerifierKey(this.witness.key);
  }

  control(kind: string, facts: Record<string, unknown> = {}): void {
    const { organisation } = this;
    const { bytes, head } = appendControlEntry(this.#control, { ...facts, organisation, at: AT, kind });
    this.#control = head;
    this.entries.push(bytes);
  }

  /** Enrols a device, or gives one a new key. */
  device(id: string = randomUUID()): SampleDevice {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
    const from = this.entries.length;
    this.devices.push({ device: id, organisation: this.organisation, publicKey: spki, from });
    this.control('device-key', { device: id, publicKey: spki });
    return { id, privateKey, publicKey: spki, head: EMPTY_CHAIN };
  }

  /**
   * A batch of `count` entries, each third of them with a private part. Its first `repeated` entries are only in what
   * the device signs: the log has them from before.
   */
  batch(
    device: SampleDevice,
    count: number,
    repeated = 0,
    changes: Readonly<Record<string, unknown>> = {},
  ): void {
    const index = this.entries.length;
    const firstSeq = device.head.seq + 1;
    for (let at = 0; at < count; at += 1) this.#entry(device, changes);
    const { hash: head } = device.head;
    const statement = { firstSeq: firstSeq - repeated, count: count + repeated };
    const message = batchStatement({
      organisation: this.organisation,
      device: device.id,
      head,
      ...statement,
    });
    this.batches.push({
      index,
      count,
      device: device.id,
      firstSeq,
      head,
      signature: sign('sha256', message, device.privateKey).toString('base64'),
      ...(repeated === 0 ? {} : { statement }),
    });
  }

  /** A batch of one entry, in which the device says how far it has followed the log: to its newest checkpoint. */
  follow(device: SampleDevice): void {
    const { origin, size, root } = parseCheckpoint(parseNote(this.checkpoints.at(-1) ?? '').text);
    const data = { origin, size, root: Buffer.from(root).toString('hex') };
    this.batch(device, 1, 0, { type: DEVICE_STATEMENT, data });
  }

  /** Takes what was added into the tree, and signs its head; the witness, too, if it is told to. */
  async checkpoint({ cosigned = false } = {}): Promise<string> {
    const { sha256 } = nodePrimitives;
    const log = await extendTiles({
      size: this.#integrated,
      leaves: this.entries.slice(this.#integrated).map((entry) => leafHash(entry, sha256)),
      readTile: this.readTile,
      sha256,
    });
    for (const { id, hashes } of log.tiles) this.#tiles.set(placeOf(id), hashes);
    this.#integrated = log.size;
    const text = formatCheckpoint({ origin: this.origin, size: log.size, root: log.root });
    let note = await signNote(text, [this.log.signer]);
    if (cosigned) note = addSignatures(note, [this.witness.cosign(text, 1_796_040_000)]);
    this.checkpoints.push(note);
    return note;
  }

  /** What somebody who has the log's key can do: builds the tree anew over the entries as they are now, and signs it. */
  async rebuild(): Promise<void> {
    this.#tiles.clear();
    this.#integrated = 0;
    this.checkpoints.length = 0;
    await this.checkpoint();
  }

  readonly readTile = async (id: TileId): Promise<Uint8Array> => {
    const hashes = this.#tiles.get(placeOf(id));
    if (hashes === undefined) throw new Error('There is no such tile.');
    return hashes;
  };

  /** What of it would be exported, at its last checkpoint. */
  source(changes: Partial<ExportSource> = {}): ExportSource {
    const { organisation, origin, vkey, checkpoints, readTile, batches, devices, privateParts } = this;
    const checkpoint = checkpoints.at(-1) ?? '';
    return {
      organisation,
      origin,
      vkey,
      checkpoint,
      checkpoints,
      readTile,
      batches,
      devices,
      privateParts,
      size: parseCheckpoint(parseNote(checkpoint).text).size,
      exportedAt: new Date(AT),
      readEntries: async (index, count) => this.entries.slice(index, index + count),
      anchors: [{ kind: 'witness', name: this.witness.key.name, vkey: this.witnessKey }],
      ...changes,
    };
  }

  /** Its export. */
  async files(changes: Partial<ExportSource> = {}): Promise<Map<string, Uint8Array>> {
    return await collectParts(writeExport(this.source(changes)));
  }

  #entry(device: SampleDevice, changes: Readonly<Record<string, unknown>>): void {
    const { seq, hash: prev } = device.head;
    const number = seq + 1;
    const salt = Buffer.alloc(32, number).toString('base64url');
    const part = number % 3 === 0 ? commitPrivate({ sample: `sample ${number}` }, salt) : undefined;
    const bytes = canonicalBytes({
      v: 1,
      organisation: this.organisation,
      device: device.id,
      seq: number,
      prev,
      at: AT,
      type: 'network.request',
      severity: 'info',
      actor: { kind: 'ai-agent', id: 'agent', name: 'an agent' },
      action: 'call',
      target: `api.example/v1/${number}`,
      data: { status: 200 },
      ...changes,
      ...(part === undefined ? {} : { private: part.commitment }),
    });
    if (part !== undefined) {
      const content = Buffer.from(part.content).toString('base64');
      this.privateParts.push({ index: this.entries.length, content });
    }
    this.entries.push(bytes);
    device.head = { seq: number, hash: sha256Hex(bytes) };
  }
}

/**
 * Two devices, a witness, four checkpoints, and about this many entries.
 *
 * @param followed whether a device says now and then how far it has followed the log
 */
export async function sampleLog(entries: number, { followed = false } = {}): Promise<SampleLog> {
  const log = new SampleLog();
  log.control('audit', { action: 'sign in', actor: 'kim' });
  const [one, two] = [log.device(), log.device()];
  for (let quarter = 1; quarter <= 4; quarter += 1) {
    while (log.entries.length < (entries * quarter) / 4) {
      log.batch(one, 7);
      log.control('policy', { revision: log.entries.length });
      log.batch(two, 4, two.head.seq > 0 ? 2 : 0);
    }
    if (followed && quarter > 1) log.follow(two);
    await log.checkpoint({ cosigned: quarter === 3 });
  }
  return log;
}

/** The files that parts make. */
export async function collectParts(parts: AsyncIterable<ExportPart>): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const { path, bytes } of parts) {
    files.set(path, Uint8Array.from([...(files.get(path) ?? []), ...bytes]));
  }
  return files;
}

function placeOf({ level, index }: TileId): string {
  return `${level}/${index}`;
}
