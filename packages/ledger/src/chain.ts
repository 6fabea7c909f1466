import { canonicalBytes, sha256Hex } from './canonical.ts';

/** The hash before the first entry. */
export const GENESIS_HASH = '0'.repeat(64);

export interface ChainHead {
  /** Sequence number of the last entry; 0 before the first. */
  seq: number;
  /** SHA-256 of its canonical bytes, lower-case hex. */
  hash: string;
}

export const EMPTY_CHAIN: ChainHead = { seq: 0, hash: GENESIS_HASH };

/** What the device's key signs for a batch: RFC 8785 of this object. The head commits to every entry before it. */
export interface BatchStatement {
  organisation: string;
  device: string;
  firstSeq: number;
  count: number;
  head: string;
}

/**
 * The bytes a device signs for one batch of entries.
 * The context string keeps the signature from meaning anything elsewhere.
 */
export function batchStatement(statement: BatchStatement): Uint8Array {
  return canonicalBytes({ context: 'raypher.v1.EventBatch', ...statement });
}

export type ChainFault =
  | { kind: 'gap'; expectedSeq: number; foundSeq: number }
  | { kind: 'not-linked'; seq: number; expectedPrev: string; foundPrev: string }
  | { kind: 'malformed'; seq: number; why: string }
  | { kind: 'head-mismatch'; expected: string; found: string };

export interface LinkedEntry {
  seq: number;
  prev: string;
}

/**
 * Walks a run of canonical entries that continues `head`.
 *
 * @param head what the chain ends with before these entries
 * @param entries exact bytes, in order
 * @param read takes `seq` and `prev` out of an entry; throws when it is malformed
 * @param hashOf SHA-256, lower-case hex; for platforms that have a faster one than ours
 * @returns the new head and the hash of each entry, or the first fault
 */
export function extendChain<T extends LinkedEntry>(
  head: ChainHead,
  entries: readonly Uint8Array[],
  read: (bytes: Uint8Array) => T,
  hashOf: (bytes: Uint8Array) => string = sha256Hex,
): { head: ChainHead; entries: { value: T; hash: string }[] } | { fault: ChainFault } {
  let { seq, hash } = head;
  const linked: { value: T; hash: string }[] = [];
  for (const bytes of entries) {
    let value: T;
    try {
      value = read(bytes);
    } catch (error) {
      return {
        fault: {
          kind: 'malformed',
          seq: seq + 1,
          why: error instanceof Error ? error.message : String(error),
        },
      };
    }
    if (value.seq !== seq + 1) return { fault: { kind: 'gap', expectedSeq: seq + 1, foundSeq: value.seq } };
    if (value.prev !== hash) {
      return { fault: { kind: 'not-linked', seq: value.seq, expectedPrev: hash, foundPrev: value.prev } };
    }
    hash = hashOf(bytes);
    seq = value.seq;
    linked.push({ value, hash });
  }
  return { head: { seq, hash }, entries: linked };
}
