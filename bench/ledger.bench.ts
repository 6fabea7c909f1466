/** The Merkle log of an organisation: append, prove, verify, roots, and whole exports, against bare SHA-256. */
import { hash } from 'node:crypto';
import {
  extendTiles,
  Frontier,
  leafHash,
  nodeHash,
  type Primitives,
  portablePrimitives,
  proveConsistency,
  proveInclusion,
  type ReadTiles,
  type TileId,
  verifyExport,
  verifyInclusion,
} from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { memoryReader, SampleLog } from '@raypher/ledger/testing';
import { median, printResult, printTable } from './lib/report.ts';

const ENTRIES = 100_000;
/** New leaves at a time: what a busy organisation has in a second. */
const PIECE = 1_000;
const PROOFS = 1_000;
const EXPORTED = 10_000;
const ROUNDS = 3;
/** What RFC 6962 hashes for a node. */
const NODE_BYTES = 65;

const [OPENSSL, JAVASCRIPT] = [nodePrimitives, portablePrimitives];
const entry = (index: number) =>
  Buffer.from(`{"at":"2026-11-30","seq":${index},"data":"${'x'.repeat(560)}"}`);
const leaves = Array.from({ length: ENTRIES }, (_, index) => leafHash(entry(index), OPENSSL.sha256));
const samples = new Map<string, number[]>();

/** Runs something that does `count` of what is measured, and notes how many per second that is. */
async function measure(name: string, count: number, run: () => unknown): Promise<void> {
  const began = performance.now();
  await run();
  const seconds = (performance.now() - began) / 1_000;
  samples.set(name, [...(samples.get(name) ?? []), count / seconds]);
}

function hashNodes(count: number, sha256: Primitives['sha256']): void {
  const input = new Uint8Array(NODE_BYTES);
  for (let at = 0; at < count; at += 1) {
    input[1] = at;
    sha256(input);
  }
}

class Tiles {
  readonly #tiles = new Map<string, Uint8Array>();
  size = 0;

  readonly readTile = async (id: TileId): Promise<Uint8Array> => {
    const tile = this.#tiles.get(`${id.level}/${id.index}`);
    if (tile === undefined) throw new Error('There is no such tile.');
    return tile;
  };

  /** As from a database: nothing is known of a tile but its bytes. */
  readonly readAnew: ReadTiles = (ids) =>
    Promise.all(ids.map(async (id) => Uint8Array.from(await this.readTile(id))));

  /** As from a cache of tiles. */
  readonly readKept: ReadTiles = (ids) => Promise.all(ids.map(this.readTile));

  async grow(added: readonly Uint8Array[], { sha256 }: Primitives): Promise<Uint8Array> {
    const log = await extendTiles({ size: this.size, leaves: added, readTile: this.readTile, sha256 });
    for (const { id, hashes } of log.tiles) this.#tiles.set(`${id.level}/${id.index}`, hashes);
    this.size = log.size;
    return log.root;
  }
}

async function appendAll(primitives: Primitives): Promise<Tiles> {
  const tiles = new Tiles();
  while (tiles.size < ENTRIES) await tiles.grow(leaves.slice(tiles.size, tiles.size + PIECE), primitives);
  return tiles;
}

/** A log of two devices with batches of 64 entries, as an export in memory. */
async function exported() {
  const log = new SampleLog();
  const [one, two] = [log.device(), log.device()];
  while (log.entries.length < EXPORTED) {
    log.batch(one, 64);
    log.control('policy', { revision: log.entries.length });
    log.batch(two, 64);
  }
  await log.checkpoint({ cosigned: true });
  return { log, reader: memoryReader(await log.files()) };
}

const { log, reader } = await exported();
const bytesOf = log.entries.map(({ length }) => length);
const tiles = await appendAll(OPENSSL);
const root = leaves.reduce((frontier, leaf) => frontier.append(leaf, OPENSSL.sha256), Frontier.EMPTY).root();
const indexes = Array.from({ length: PROOFS }, (_, at) => (at * 48_271) % ENTRIES);

for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, { sha256 }] of [
    ['OpenSSL', OPENSSL],
    ['JavaScript', JAVASCRIPT],
  ] as const) {
    await measure(`floor: SHA-256 of 65 bytes, ${name}`, ENTRIES, () => hashNodes(ENTRIES, sha256));
    await measure(`root over leaves, ${name}`, ENTRIES, () => {
      leaves.reduce((frontier, leaf) => frontier.append(leaf, sha256), Frontier.EMPTY).root(sha256);
    });
    await measure(`append with tiles, ${name}`, ENTRIES, () =>
      appendAll(name === 'OpenSSL' ? OPENSSL : JAVASCRIPT),
    );
    const proofs: Uint8Array[][] = [];
    await measure(`prove inclusion, ${name}`, PROOFS, async () => {
      for (const index of indexes) proofs.push(await proveInclusion(index, ENTRIES, tiles.readAnew, sha256));
    });
    await measure(`prove inclusion, tiles kept, ${name}`, PROOFS, async () => {
      for (const index of indexes) await proveInclusion(index, ENTRIES, tiles.readKept, sha256);
    });
    await measure(`prove consistency, ${name}`, PROOFS, async () => {
      for (const from of indexes) await proveConsistency(from + 1, ENTRIES, tiles.readAnew, sha256);
    });
    await measure(`verify inclusion, ${name}`, PROOFS, () => {
      for (const [at, index] of indexes.entries()) {
        const claim = { index, size: ENTRIES, leaf: leaves[index] ?? root, proof: proofs[at] ?? [], root };
        if (!verifyInclusion(claim, sha256)) throw new Error('A proof does not verify.');
      }
    });
    await measure(`floor: the hashes of a proof, ${name}`, PROOFS, () => {
      const length = proofs.reduce((sum, proof) => sum + proof.length, 0);
      for (let at = 0; at < length; at += 1) nodeHash(root, root, sha256);
    });
  }
  await measure('floor: SHA-256 twice of each entry, OpenSSL', bytesOf.length, () => {
    for (const bytes of log.entries) {
      hash('sha256', bytes, 'buffer');
      hash('sha256', bytes, 'buffer');
    }
  });
  await measure('verify an export, OpenSSL', log.entries.length, () => check(OPENSSL));
  if (round === 0) await measure('verify an export, JavaScript', log.entries.length, () => check(JAVASCRIPT));
}

async function check(primitives: Primitives): Promise<void> {
  const { verdict } = await verifyExport(reader, { vkey: log.vkey, primitives });
  if (verdict !== 'VERIFIED') throw new Error('The export of the bench does not verify.');
}

const perSecond = (name: string) => median(samples.get(name) ?? []);
printTable(
  ['', 'per second', 'slowest', 'fastest'],
  [...samples].map(([name, values]) => [name, median(values), Math.min(...values), Math.max(...values)]),
);
console.log(`
  ${ENTRIES.toLocaleString('en')} leaves, ${PIECE} at a time; proofs in the log of all of them, from tiles read anew each time, which
  are hashed for each proof, and from tiles kept in memory, which are hashed once. The export has
  ${log.entries.length.toLocaleString('en')} entries in batches of 64, each parsed, put into canonical form again and hashed twice.
`);
printResult({
  bench: 'ledger',
  figures: {
    append_per_s: perSecond('append with tiles, OpenSSL'),
    prove_per_s: perSecond('prove inclusion, OpenSSL'),
    prove_tiles_kept_per_s: perSecond('prove inclusion, tiles kept, OpenSSL'),
    verify_per_s: perSecond('verify inclusion, OpenSSL'),
    root_per_s: perSecond('root over leaves, OpenSSL'),
    export_entries_per_s: perSecond('verify an export, OpenSSL'),
    export_entries_javascript_per_s: perSecond('verify an export, JavaScript'),
    sha256_per_s: perSecond('floor: SHA-256 of 65 bytes, OpenSSL'),
    sha256_javascript_per_s: perSecond('floor: SHA-256 of 65 bytes, JavaScript'),
  },
  ratios: {
    append_vs_sha256:
      perSecond('append with tiles, OpenSSL') / perSecond('floor: SHA-256 of 65 bytes, OpenSSL'),
    root_vs_sha256: perSecond('root over leaves, OpenSSL') / perSecond('floor: SHA-256 of 65 bytes, OpenSSL'),
    append_javascript_vs_sha256:
      perSecond('append with tiles, JavaScript') / perSecond('floor: SHA-256 of 65 bytes, JavaScript'),
    verify_vs_its_hashes:
      perSecond('verify inclusion, OpenSSL') / perSecond('floor: the hashes of a proof, OpenSSL'),
    export_vs_sha256:
      perSecond('verify an export, OpenSSL') / perSecond('floor: SHA-256 twice of each entry, OpenSSL'),
  },
});
