/** How an object is kept, where the destination can lock. */
export interface Keeping {
  /** Nobody may delete or replace it before. */
  until: Date;
  /** Nor as long as there is a legal hold. */
  held: boolean;
}

/**
 * A place for objects that are written once. Names are paths with `/`, relative to the place; objects are at most some
 * 17 MB (a bundle of 256 entries of 65,535 bytes), so each is written in one piece: it is there whole, or not at all.
 */
export interface ArchiveStore {
  /** Names the place, without anything secret: `s3://host/bucket/prefix`, `folder:/path`. */
  readonly destination: string;

  /**
   * Writes an object that never changes. The same bytes may be there already: that is what is left of an interrupted run.
   *
   * @throws RaypherError `archive/conflict` when other bytes are there under this name
   */
  putOnce(name: string, bytes: Uint8Array, keeping: Keeping): Promise<'stored' | 'present'>;

  /** Writes an object that has a newer content from time to time. A versioned destination keeps the older ones. */
  replace(name: string, bytes: Uint8Array, keeping: Keeping): Promise<void>;

  /** Undefined when there is none. */
  read(name: string): Promise<Uint8Array | undefined>;

  /** Names that begin so, in the order of their characters. */
  list(prefix: string): AsyncIterable<string>;

  /** Puts an object that is there under a legal hold, or takes it away; does nothing where nothing can be locked. */
  hold(name: string, held: boolean): Promise<void>;
}
