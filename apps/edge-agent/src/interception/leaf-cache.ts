import type { Leaf } from './certificate-authority.ts';

interface Known {
  leaf: Promise<Leaf>;
  /** Milliseconds since the epoch; infinite while it is being made. */
  renewAt: number;
}

/** A program that invents names must not fill the memory. */
const MAX_KNOWN = 1024;

/** Certificates of hosts, made once and kept while they are in use. */
export class LeafCache {
  readonly #issue: (host: string) => Promise<Leaf>;
  readonly #max: number;
  readonly #now: () => number;
  /** Oldest use first. */
  readonly #known = new Map<string, Known>();

  constructor(issue: (host: string) => Promise<Leaf>, max = MAX_KNOWN, now: () => number = Date.now) {
    this.#issue = issue;
    this.#max = max;
    this.#now = now;
  }

  get size(): number {
    return this.#known.size;
  }

  /** @param host canonical name or address */
  for(host: string): Promise<Leaf> {
    const found = this.#known.get(host);
    this.#known.delete(host);
    if (found !== undefined && found.renewAt > this.#now()) {
      this.#known.set(host, found);
      return found.leaf;
    }
    const made: Known = { leaf: this.#issue(host), renewAt: Number.POSITIVE_INFINITY };
    this.#known.set(host, made);
    made.leaf.then(
      ({ renewAt }) => {
        made.renewAt = renewAt;
      },
      () => {
        // Asked for again by the next connection.
        if (this.#known.get(host) === made) this.#known.delete(host);
      },
    );
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#max && oldest !== undefined) this.#known.delete(oldest);
    return made.leaf;
  }
}
