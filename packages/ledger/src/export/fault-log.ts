/** What can be wrong with an export; docs/ledger-format.md says what each means. */
export type FaultCode =
  | 'manifest-mismatch'
  | 'note-signature'
  | 'root-mismatch'
  | 'not-consistent'
  | 'rolled-back'
  | 'truncated'
  | 'malformed'
  | 'entry-missing'
  | 'leaf-mismatch'
  | 'tile-mismatch'
  | 'not-canonical'
  | 'wrong-organisation'
  | 'device-chain'
  | 'device-signature'
  | 'unknown-device-key'
  | 'control-chain'
  | 'private-mismatch'
  | 'statement-mismatch'
  | 'time-stamp';

export interface Fault {
  readonly code: FaultCode;
  /** Of the entry, from 0. */
  readonly index?: number;
  /** Where it cannot be told which entry it is: it is one from `index` up to but without this. */
  readonly upTo?: number;
  readonly device?: string;
  /** Of the entry in its device's chain. */
  readonly seq?: number;
  /** File of the export. */
  readonly path?: string;
  /** One sentence. */
  readonly detail: string;
}

const KEPT_FAULTS = 100;

/** Counts all faults and keeps the first of them. */
export class FaultLog {
  readonly kept: Fault[] = [];
  readonly counts: Partial<Record<FaultCode, number>> = {};
  total = 0;
  #first: Fault | undefined;

  add(fault: Fault): void {
    this.total += 1;
    this.counts[fault.code] = (this.counts[fault.code] ?? 0) + 1;
    if (this.#first === undefined || comesBefore(fault, this.#first)) this.#first = fault;
    if (this.kept.length < KEPT_FAULTS) this.kept.push(fault);
  }

  /** The fault that names the lowest entry; one that names an entry comes before one that names a range. */
  get first(): Fault | undefined {
    return this.#first;
  }
}

function comesBefore(left: Fault, right: Fault): boolean {
  return precision(left) === precision(right)
    ? (left.index ?? 0) < (right.index ?? 0)
    : precision(left) < precision(right);
}

function precision({ index, upTo }: Fault): number {
  if (index === undefined) return 2;
  return upTo === undefined ? 0 : 1;
}
