import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  canonicalBytes,
  Frontier,
  formatCheckpoint,
  formatVerifierKey,
  GENESIS_HASH,
  leafHash,
  type NoteSigner,
  proveConsistency,
  sha256Hex,
  signNote,
  tilesOf,
  verifierKey,
} from '@raypher/ledger';
import type { LedgerEntryView, LedgerStatus } from '@raypher/shared/rest';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { toHex } from './hex.ts';
import { rememberedLog, rememberLog } from './remembered-log.ts';
import { type LogSource, type Verification, verifyLog } from './verify-log.ts';

const ORGANISATION = '018f3c2a-0000-7000-8000-000000000001';
const DEVICES = ['018f3c2a-0000-7000-8000-00000000000a', '018f3c2a-0000-7000-8000-00000000000b'];
const ORIGIN = 'log.example/verify';

interface LogKey {
  vkey: string;
  signer: NoteSigner;
}

function newKey(): LogKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const key = verifierKey(ORIGIN, 'ed25519', new Uint8Array(raw));
  return { vkey: formatVerifierKey(key), signer: { ...key, sign: (bytes) => signed(privateKey, bytes) } };
}

const signed = async (key: KeyObject, bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(sign(null, bytes, key));

/** Entries of two devices and of the control plane in turn, each chain linked. */
function makeEntries(
  count: number,
  /** More of an entry of a device, from the entries before it. */
  more: (before: LedgerEntryView[]) => object = () => ({}),
): LedgerEntryView[] {
  const heads = new Map<string, { number: number; hash: string }>();
  const entries: LedgerEntryView[] = [];
  for (let index = 0; index < count; index += 1) {
    const chain = [...DEVICES, 'control'][index % 3] ?? 'control';
    const before = heads.get(chain) ?? { number: 0, hash: GENESIS_HASH };
    const number = before.number + 1;
    const link = { organisation: ORGANISATION, prev: before.hash };
    const value =
      chain === 'control'
        ? { ...link, v: 1, entry: 'control', id: number, kind: 'audit' }
        : {
            ...link,
            v: 1,
            device: chain,
            seq: number,
            type: 'network.request',
            target: `${index}`,
            ...more(entries),
          };
    const bytes = canonicalBytes(value);
    const hash = sha256Hex(bytes);
    heads.set(chain, { number, hash });
    entries.push({
      index,
      leaf: toHex(leafHash(bytes)),
      hash,
      device: chain === 'control' ? null : { id: chain, hostname: 'host', simulated: false, seq: number },
      control: chain === 'control' ? { id: number, kind: 'audit' } : null,
      at: '2026-11-30T00:00:00.000Z',
      entry: new TextDecoder().decode(bytes),
    });
  }
  return entries;
}

/** A control plane that shows these entries and signs what `signed` says they are. */
async function serve(entries: LedgerEntryView[], key: LogKey, signedEntries = entries): Promise<LogSource> {
  const leaves = signedEntries.map(({ leaf }) => new Uint8Array(Buffer.from(leaf, 'hex')));
  const frontier = leaves.reduce((grown, leaf) => grown.append(leaf), Frontier.EMPTY);
  const root = frontier.root();
  const size = leaves.length;
  const note = await signNote(formatCheckpoint({ origin: ORIGIN, size, root }), [key.signer]);
  const status: LedgerStatus = {
    state: 'OK',
    faults: null,
    origin: ORIGIN,
    size,
    root: toHex(root),
    waiting: 0,
    checkpoint: { size, root: toHex(root), at: '2026-11-30T00:00:00.000Z', note, anchors: [] },
    anchoredUntil: 0,
    followedUntil: 0,
    witnesses: [],
    vkey: key.vkey,
    keyStatement: null,
    audit: { size: 0, at: null, completedAt: null },
  };
  // Few enough for one tile of leaves, so that its hashes are all that a proof needs.
  const [tile] = tilesOf(size);
  if (size > 255 || tile === undefined) throw new Error('made for small logs');
  return {
    status: async () => status,
    entries: async ({ before, limit }) => ({
      items: entries.filter(({ index }) => index < before && index >= before - limit).toReversed(),
      next: null,
    }),
    consistency: async (from, to) => ({
      from,
      to,
      hashes: (
        await proveConsistency(from, to, async (ids) => ids.map(() => new Uint8Array(Buffer.concat(leaves))))
      ).map(toHex),
    }),
  };
}

const count = 60;
let key: LogKey;
beforeAll(() => {
  key = newKey();
});

const verify = (
  source: LogSource,
  options: Partial<Parameters<typeof verifyLog>[1]> = {},
): Promise<Verification> => verifyLog(source, { organisation: ORGANISATION, ...options });
const seen = ({ origin, vkey, size, root }: Verification) => ({ origin, vkey, size, root });

/** How a device says that it saw these entries. */
function followed(entries: LedgerEntryView[]): object {
  const leaves = entries.map(({ leaf }) => new Uint8Array(Buffer.from(leaf, 'hex')));
  const root = leaves.reduce((grown, leaf) => grown.append(leaf), Frontier.EMPTY).root();
  return { type: 'ledger.followed', data: { origin: ORIGIN, size: entries.length, root: toHex(root) } };
}

describe('a record that nobody touched', () => {
  it('verifies to its last entry, and says that its key came with it', async () => {
    const progress: number[] = [];
    const result = await verify(await serve(makeEntries(100), key), {
      onProgress: (done) => progress.push(done),
    });
    expect(result).toMatchObject({
      count: 0,
      size: 100,
      keyFrom: 'server',
      continues: null,
      withoutBytes: 0,
    });
    expect(progress.at(-1)).toBe(100);
  });

  it('continues what this browser saw before', async () => {
    const entries = makeEntries(90);
    const before = await verify(await serve(entries.slice(0, 41), key));
    const result = await verify(await serve(entries, key), { remembered: seen(before) });
    expect(result).toMatchObject({ count: 0, size: 90, keyFrom: 'remembered', continues: 41 });
  });

  it('verifies though the content of entries is archived', async () => {
    const entries = makeEntries(30).map((entry, index) =>
      index < 10 ? { ...entry, entry: null, hash: null } : entry,
    );
    expect(await verify(await serve(entries, key))).toMatchObject({ count: 0, withoutBytes: 10 });
  });

  it('agrees with what devices signed that they saw', async () => {
    const entries = makeEntries(count, (before) =>
      [31, 40, 42].includes(before.length) ? followed(before.slice(0, 30)) : {},
    );
    const result = await verify(await serve(entries, key));
    expect(result).toMatchObject({ count: 0, followedBy: { devices: 2, until: 30 } });
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(verify(await serve(makeEntries(5), key), { signal: controller.signal })).rejects.toThrow(
      /abort/i,
    );
  });
});

describe('a record that somebody touched', () => {
  /** What an insider shows; the hashes are those that were signed, or follow what is shown. */
  const attacks: [name: string, attack: (entries: LedgerEntryView[], at: number) => LedgerEntryView[]][] = [
    [
      'edits',
      (all, at) =>
        all.map((one, i) =>
          i === at ? { ...one, entry: one.entry?.replace('"v":1', '"v":2') ?? null } : one,
        ),
    ],
    ['deletes', (all, at) => all.filter((_, i) => i !== at)],
    [
      'deletes and closes the gap',
      (all, at) => all.filter((_, i) => i !== at).map((one, index) => ({ ...one, index })),
    ],
    ['repeats', (all, at) => all.map((one, i) => (i === at ? { ...(all[at - 1] ?? one), index: i } : one))],
    [
      'swaps',
      (all, at) =>
        all.map((one, i) =>
          i === at
            ? { ...(all[i - 1] ?? one), index: i }
            : i === at - 1
              ? { ...(all[i + 1] ?? one), index: i }
              : one,
        ),
    ],
  ];

  it.each(attacks)('is found out when somebody %s an entry', async (_, attack) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: count - 2 }), async (at) => {
        const entries = makeEntries(count);
        const result = await verify(await serve(attack(entries, at), key, entries));
        expect(result.count).toBeGreaterThan(0);
      }),
      { numRuns: 20 },
    );
  });

  it('names the entry whose bytes were changed', async () => {
    const entries = makeEntries(count);
    const changed = entries.map((one) => (one.index === 17 ? { ...one, entry: `${one.entry} ` } : one));
    const { findings } = await verify(await serve(changed, key, entries));
    expect(findings[0]).toMatchObject({ index: 17 });
  });

  it('is found out even by whoever has the key, when a chain no longer links', async () => {
    const forged = makeEntries(count)
      .filter(({ index }) => index !== 30)
      .map((one, index) => ({ ...one, index }));
    const { findings } = await verify(await serve(forged, key));
    expect(findings[0]?.what).toMatch(/jumps/);
  });

  it('is found out when its tail is cut, by a browser that saw it', async () => {
    const entries = makeEntries(count);
    const before = await verify(await serve(entries, key));
    const { findings } = await verify(await serve(entries.slice(0, 50), key), { remembered: seen(before) });
    expect(findings[0]?.what).toMatch(/was cut/);
  });

  it('is found out when it is another record of the same length', async () => {
    const before = await verify(await serve(makeEntries(count).slice(0, 30), key));
    const other = makeEntries(count).map((one) => ({
      ...one,
      leaf: toHex(leafHash(Buffer.from(`${one.index}`))),
    }));
    const { findings } = await verify(await serve(other, key), { remembered: seen(before) });
    expect(findings.map(({ what }) => what).join()).toMatch(/not those that this browser saw/);
  });

  it('is found out when another key signs it', async () => {
    const entries = makeEntries(count);
    const before = await verify(await serve(entries, key));
    const other = newKey();
    const result = await verify(await serve(entries, other), { remembered: seen(before) });
    expect(result.count).toBeGreaterThan(0);
    expect((await verify(await serve(entries, other), { givenKey: key.vkey })).count).toBeGreaterThan(0);
  });

  it('is found out by whoever rewrote it and has the key, from what a device signed that it saw', async () => {
    const honest = makeEntries(count);
    const forged = makeEntries(count, (before) => ({
      ...(before.length === 4 ? { target: 'never.example' } : {}),
      ...(before.length === 40 ? followed(honest.slice(0, 30)) : {}),
    }));
    const result = await verify(await serve(forged, key));
    expect(result.findings).toEqual([
      { index: 40, what: 'A device signed here that it saw another log of 30 entries.' },
    ]);
  });

  it('is found out when a device saw more than there was', async () => {
    const entries = makeEntries(count, (before) => (before.length === 40 ? followed(makeEntries(50)) : {}));
    expect((await verify(await serve(entries, key))).findings[0]).toMatchObject({ index: 40 });
  });

  it('is found out when it shows an entry of another organisation', async () => {
    const entries = makeEntries(3);
    const result = await verify(await serve(entries, key), {
      organisation: '018f3c2a-0000-7000-8000-000000000002',
    });
    expect(result.findings[0]).toMatchObject({
      index: 0,
      what: expect.stringMatching(/another organisation/),
    });
  });
});

describe('what a browser remembers', () => {
  const storage = (): Storage => {
    const items = new Map<string, string>();
    return {
      getItem: (name) => items.get(name) ?? null,
      setItem: (name, value) => void items.set(name, value),
      removeItem: (name) => void items.delete(name),
      clear: () => items.clear(),
      key: (at) => [...items.keys()][at] ?? null,
      get length() {
        return items.size;
      },
    };
  };

  it('is the last record that verified, never one with a fault', async () => {
    const kept = storage();
    const good = await verify(await serve(makeEntries(10), key));
    rememberLog(ORGANISATION, good, kept);
    rememberLog(ORGANISATION, { ...good, size: 99, count: 1 }, kept);
    expect(rememberedLog(ORGANISATION, kept)).toEqual(seen(good));
    expect(rememberedLog('other', kept)).toBeUndefined();
  });

  it('is nothing when what is stored is no such thing', () => {
    const kept = storage();
    kept.setItem(`raypher.ledger.${ORGANISATION}`, '{"size":-1}');
    expect(rememberedLog(ORGANISATION, kept)).toBeUndefined();
  });
});
