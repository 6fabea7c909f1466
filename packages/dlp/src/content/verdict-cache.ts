import type { Finding } from '../finding.ts';
import type { Scanner } from '../scanner.ts';
import type { Part } from './part.ts';

/** Remembers what was found in a part. Never holds the text: keys are keyed hashes, findings are offsets. */
export interface VerdictCache {
  /** @returns what is remembered for this scanner, policy and part, else what `scan` finds now */
  findings(scanner: Scanner, part: Part, scan: () => Finding[]): Finding[];
}

export interface LruVerdictCacheOptions {
  /** HMAC-SHA-256, hex, under a key of this process or organisation: without it nobody can test for a text. */
  hash: (text: string) => string;
  /** Revision of the policy in force: another one is another verdict. */
  policyRevision: () => string;
  /** Parts remembered at most. */
  maxParts: number;
  /** Shorter texts are scanned faster than they are hashed. */
  minLength?: number;
}

/** In memory, the least recently used part goes first. */
export class LruVerdictCache implements VerdictCache {
  readonly #options: LruVerdictCacheOptions;
  readonly #known = new Map<string, readonly Finding[]>();

  constructor(options: LruVerdictCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#known.size;
  }

  findings(scanner: Scanner, part: Part, scan: () => Finding[]): Finding[] {
    const { hash, policyRevision, maxParts, minLength = 256 } = this.#options;
    if (part.text.length < minLength) return scan();
    // JSON keeps the fields apart: none can be written so that it runs into the next.
    const key = hash(
      JSON.stringify([scanner.version, policyRevision(), part.role, part.label ?? null, part.text]),
    );
    const remembered = this.#known.get(key);
    this.#known.delete(key);
    const findings = remembered ?? scan();
    this.#known.set(key, findings);
    if (this.#known.size > maxParts) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    // A copy: whoever adds the findings of another engine adds them to this message only.
    return findings.map((finding) => ({ ...finding }));
  }
}
