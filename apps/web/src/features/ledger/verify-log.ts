import {
  type Checkpoint,
  EMPTY_ROOT,
  Frontier,
  leafHash,
  parseCheckpoint,
  parseVerifierKey,
  sha256Hex,
  verifyConsistency,
  verifyNote,
} from '@raypher/ledger';
import type { ConsistencyProof, LedgerEntries, LedgerEntryView, LedgerStatus } from '@raypher/shared/rest';
import { ChainFollower } from './chain-follower.ts';
import { DeviceStatements } from './device-statements.ts';
import { fromHex, toHex } from './hex.ts';

/** Where the record is read from. */
export interface LogSource {
  status(): Promise<LedgerStatus>;
  /** Newest first. */
  entries(query: { before: number; limit: number }): Promise<LedgerEntries>;
  consistency(from: number, to: number): Promise<ConsistencyProof>;
}

/** What this browser saw of a log before: the next verification must continue it. */
export interface RememberedLog {
  origin: string;
  vkey: string;
  size: number;
  /** Hex. */
  root: string;
}

export interface Finding {
  /** Place in the log; null when it is about the log as a whole. */
  index: number | null;
  what: string;
}

export interface Verification {
  origin: string;
  /** Entries that the checkpoint speaks of, and that were looked at. */
  size: number;
  root: string;
  vkey: string;
  /** The key that this browser saw first, or one that somebody gave; else it came with the record itself. */
  keyFrom: 'remembered' | 'given' | 'server';
  /** Size of the checkpoint that this browser had; the log continues it. */
  continues: number | null;
  /** Devices that signed, in this log, how far they saw it grow, and how far that was; what they say agrees with it. */
  followedBy: { devices: number; until: number };
  /** Entries whose bytes are not here any more: their hashes were checked, their content was not. */
  withoutBytes: number;
  /** The first {@link MAX_FINDINGS}, in the order of the log. */
  findings: Finding[];
  count: number;
}

export interface VerifyOptions {
  organisation: string;
  remembered?: RememberedLog | undefined;
  /** A key from elsewhere, as c2sp.org/signed-note writes it. */
  givenKey?: string | undefined;
  onProgress?: (done: number, size: number) => void;
  signal?: AbortSignal;
}

const PAGE = 500;
const MAX_FINDINGS = 20;
/** Of devices are held against the log, those that saw most: each needs a proof of its own. */
const MAX_STATEMENTS = 50;

/**
 * Verifies a whole record here: the signature of its newest checkpoint, that it continues the one seen before, each
 * entry against its leaf hash (RFC 6962), each chain, all leaves together against the signed root, and that against what
 * devices signed that they saw.
 *
 * @throws DOMException `AbortError`; what the source throws
 */
export async function verifyLog(source: LogSource, options: VerifyOptions): Promise<Verification> {
  const { organisation, remembered, givenKey, onProgress, signal } = options;
  const status = await source.status();
  const findings = new Findings();
  const signed = openCheckpoint(status, givenKey ?? remembered?.vkey, findings);
  if (signed === undefined) return { ...NOTHING, ...findings.report() };
  const { checkpoint, vkey } = signed;
  const { origin, size } = checkpoint;
  const root = toHex(checkpoint.root);
  const continues = await compareWithRemembered(source, checkpoint, remembered, findings);

  const chains = new ChainFollower(organisation);
  const statements = new DeviceStatements(origin);
  let frontier = Frontier.EMPTY;
  let withoutBytes = 0;
  while (frontier.size < size) {
    signal?.throwIfAborted();
    const start = frontier.size;
    const before = Math.min(size, start + PAGE);
    const { items } = await source.entries({ before, limit: before - start });
    const page = items.toReversed();
    const wrong = page.findIndex(({ index }, at) => index !== start + at);
    if (wrong >= 0 || page.length !== before - start) {
      findings.add(
        wrong >= 0 ? start + wrong : start + page.length,
        'This entry is missing from the answer.',
      );
      break;
    }
    for (const entry of page) {
      if (entry.entry === null) {
        withoutBytes += 1;
        chains.skip(entry);
      } else if (checkEntry(entry, entry.entry, chains, findings)) statements.see(entry.index, entry.entry);
      frontier = frontier.append(fromHex(entry.leaf));
    }
    onProgress?.(frontier.size, size);
  }
  if (frontier.size === size && toHex(frontier.root()) !== root) {
    findings.add(
      null,
      'The entries together do not make the root that was signed: one was changed, added or left out.',
    );
  }
  const followedBy = await compareWithDevices(source, checkpoint, statements, findings);
  return {
    origin,
    size,
    root,
    vkey,
    keyFrom: givenKey !== undefined ? 'given' : remembered === undefined ? 'server' : 'remembered',
    continues,
    followedBy,
    withoutBytes,
    ...findings.report(),
  };
}

const NOTHING = {
  origin: '',
  size: 0,
  root: '',
  vkey: '',
  keyFrom: 'server',
  continues: null,
  followedBy: { devices: 0, until: 0 },
  withoutBytes: 0,
} as const;

/** The newest checkpoint, when the trusted key signed it. */
function openCheckpoint(
  { checkpoint, vkey, origin }: LedgerStatus,
  trusted: string | undefined,
  findings: Findings,
): { checkpoint: Checkpoint; vkey: string } | undefined {
  if (checkpoint === null || vkey === null) return undefined;
  if (trusted !== undefined && trusted !== vkey) {
    findings.add(null, 'The control plane names another key of the log than the one that is trusted here.');
  }
  const key = trusted ?? vkey;
  try {
    const { text } = verifyNote(checkpoint.note, [parseVerifierKey(key)]);
    const parsed = parseCheckpoint(text);
    if (parsed.origin !== origin) findings.add(null, 'The checkpoint is of a log of another name.');
    return { checkpoint: parsed, vkey: key };
  } catch {
    findings.add(null, 'The newest checkpoint is not signed by the key of the log.');
    return undefined;
  }
}

/** @returns the size that was seen before, when this log continues it */
async function compareWithRemembered(
  source: LogSource,
  checkpoint: Checkpoint,
  remembered: RememberedLog | undefined,
  findings: Findings,
): Promise<number | null> {
  if (remembered === undefined) return null;
  const { size, root, origin } = remembered;
  if (origin !== checkpoint.origin) {
    findings.add(null, `This browser saw a log named ${origin}; this one has another name.`);
    return null;
  }
  if (size > checkpoint.size) {
    findings.add(
      checkpoint.size,
      `This browser saw ${size} entries; now there are ${checkpoint.size}. The record was cut.`,
    );
    return null;
  }
  if (await goesOn(source, checkpoint, size, root)) return size;
  findings.add(null, `The first ${size} entries are not those that this browser saw before.`);
  return null;
}

/** @returns how many devices saw this log grow, and how far */
async function compareWithDevices(
  source: LogSource,
  checkpoint: Checkpoint,
  statements: DeviceStatements,
  findings: Findings,
): Promise<{ devices: number; until: number }> {
  const agreed = { devices: 0, until: 0 };
  for (const { size, root, index, devices } of statements.newest().slice(0, MAX_STATEMENTS)) {
    if (size > index || !(await goesOn(source, checkpoint, size, root))) {
      findings.add(index, `A device signed here that it saw another log of ${size} entries.`);
      continue;
    }
    agreed.devices += devices;
    agreed.until = Math.max(agreed.until, size);
  }
  return agreed;
}

/** Whether the log of the checkpoint begins with all of the log of that size and root. */
async function goesOn(
  source: LogSource,
  checkpoint: Checkpoint,
  size: number,
  root: string,
): Promise<boolean> {
  if (size === 0) return root === toHex(EMPTY_ROOT);
  const { hashes } = await source.consistency(size, checkpoint.size);
  return verifyConsistency({
    from: size,
    to: checkpoint.size,
    proof: hashes.map(fromHex),
    fromRoot: fromHex(root),
    toRoot: checkpoint.root,
  });
}

/** @returns whether its bytes are those that the log has a hash of */
function checkEntry(
  { index, leaf, hash }: LedgerEntryView,
  entry: string,
  chains: ChainFollower,
  findings: Findings,
): boolean {
  const bytes = new TextEncoder().encode(entry);
  if (toHex(leafHash(bytes)) !== leaf) {
    findings.add(index, 'Its bytes are not those that the log has a hash of.');
    return false;
  }
  const own = sha256Hex(bytes);
  if (hash !== null && hash !== own) findings.add(index, 'Its own hash is told wrongly.');
  const fault = chains.follow(entry, own);
  if (fault !== undefined) findings.add(index, fault);
  return true;
}

class Findings {
  readonly #first: Finding[] = [];
  #count = 0;

  add(index: number | null, what: string): void {
    this.#count += 1;
    if (this.#first.length < MAX_FINDINGS) this.#first.push({ index, what });
  }

  report(): { findings: Finding[]; count: number } {
    return { findings: this.#first, count: this.#count };
  }
}
