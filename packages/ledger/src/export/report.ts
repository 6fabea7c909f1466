import type { Fault, FaultCode } from './fault-log.ts';

/** Entries `from` up to but without `to`. */
export interface EntryRange {
  from: number;
  to: number;
}

export interface ExportReport {
  /**
   * - `CORRUPTED`: something in it is not as it was recorded
   * - `CONSISTENT`: nothing is wrong with it, but who signed it is known only from the export itself
   * - `VERIFIED`: the log whose key was given signed exactly this
   */
  verdict: 'VERIFIED' | 'CONSISTENT' | 'CORRUPTED';
  /** Whether the log's key was given, or taken from the export. */
  keyFrom: 'given' | 'export';
  /** The verifier key that checkpoints were held to. */
  vkey: string | undefined;
  origin: string | undefined;
  organisation: string | undefined;
  /** Entries in the log at its newest checkpoint, and its root in hex. */
  size: number;
  root: string | undefined;
  /** Which entries the export says it has the bytes of. */
  range: EntryRange | undefined;
  /** Names of the keys whose signatures are on the newest checkpoint: the log's, and those of witnesses given. */
  signedBy: string[];
  counts: {
    /** Entries whose bytes were read. */
    entries: number;
    /** Entries of which there are hashes alone. */
    absent: number;
    deviceEntries: number;
    controlEntries: number;
    devices: number;
    /** Batches whose device signature is valid. */
    batches: number;
    /** Entries from before signatures were kept: the log vouches for them, no device does. */
    unsigned: number;
    /** Entries whose batch ends among absent entries: the log vouches for them, its signature cannot be held to them. */
    cut: number;
    checkpoints: number;
    privateOpened: number;
    privateErased: number;
    /** Signed statements of devices about the log they are in that agree with it, and of how many devices they are. */
    statements: number;
    statementDevices: number;
    /** Statements about a log of another name, which were not held to anything. */
    statementsOfOthers: number;
    /** RFC 3161 tokens over checkpoints of this log, of authorities that are trusted. */
    timeStamps: number;
  };
  coverage: {
    /** Covered by a checkpoint of the key that was given. */
    trusted: EntryRange | undefined;
    /** Covered by a checkpoint that a given witness cosigned. */
    witnessed: EntryRange | undefined;
    /** Covered by what a device of the organisation signed that it saw. */
    seenByDevices: EntryRange | undefined;
    /** Covered by a checkpoint that a trusted authority stamped. */
    stamped: EntryRange | undefined;
    /** The tail after the last cosigned checkpoint: only the log itself vouches for its order. */
    unanchored: EntryRange | undefined;
  };
  /** When the last of these was stamped; ISO 8601, UTC. */
  stampedAt: string | undefined;
  faults: {
    total: number;
    counts: Partial<Record<FaultCode, number>>;
    /** The first hundred. */
    kept: Fault[];
    /** The one that names the lowest entry. */
    first: Fault | undefined;
  };
  /** What is in the export and was not checked here. */
  notChecked: string[];
}

/** A range, or undefined when nothing is in it. */
export function rangeOf(from: number, to: number): EntryRange | undefined {
  return from < to ? { from, to } : undefined;
}
