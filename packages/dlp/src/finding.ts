/** What kind of data a detector finds; policies name these. */
export type DataCategory =
  | 'credential'
  | 'payment'
  | 'national-id'
  | 'contact'
  | 'person'
  | 'health'
  | 'wallet'
  | 'unknown-secret'
  | 'custom';

export type DataSeverity = 'low' | 'medium' | 'high' | 'critical';

/** One place in a text that a detector recognised. */
export interface Finding {
  /** Id of the detector, such as `openai-api-key`. */
  detector: string;
  category: DataCategory;
  severity: DataSeverity;
  /** UTF-16 offsets into the scanned text: what would have to be redacted, half open. */
  start: number;
  end: number;
  /** 0 to 1: how sure the detector is; checksums and exact formats say 1. */
  confidence: number;
  /**
   * What else was found in this place where one of them is a rule that users wrote. Whoever decides about the finding
   * decides about these too: else a wide pattern of one document would hide what another document forbids.
   */
  alsoFound?: readonly FoundHere[];
}

/** What a detector says of a place. */
export type FoundHere = Pick<Finding, 'detector' | 'category' | 'severity'>;

/** What is kept of a finding: never the data itself. */
export interface FindingRecord extends Omit<Finding, 'start' | 'end' | 'alsoFound'> {
  /** Masked sample: a few characters at both ends, at most a third of all. */
  sample: string;
  /** HMAC-SHA-256 of the data under the organisation's key, hex: the same data is recognised again, not recovered. */
  hash: string;
}
