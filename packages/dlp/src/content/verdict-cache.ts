import type { Finding } from '../finding.ts';
import type { Scanner } from '../scanner.ts';
import type { Part } from './part.ts';

/** Remembers what was found in a part. Of what is longer than a word it never holds the text: keys are hashes. */
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

const LONGEST_WORD = 32;
const MOST_WORDS = 2_048;

/** In memory, the least recently used part goes first. */
export class LruVerdictCache implements VerdictCache {
  readonly #options: LruVerdictCacheOptions;
  readonly #known = new Map<string, readonly Finding[]>();
  readonly #clean = new Set<string>();
  /** Version of the scanner that found nothing in them. */
  #cleanFor = '';

  constructor(options: LruVerdictCacheOptions) {
    this.#options = options;
  }

  /**
   * Words of the protocol come with every message: names of models and roles, reasons for an end. Such a text is kept as
   * it is while nothing was found in it.
   */
  #short(scanner: Scanner, { text, role, label }: Part, scan: () => Finding[]): Finding[] {
    if (text.length > LONGEST_WORD) return scan();
    if (this.#cleanFor !== scanner.version) {
      this.#clean.clear();
      this.#cleanFor = scanner.version;
    }
    // The length keeps the fields apart: a label that ends in a line is no other label in front of a longer text.
    const key = `${role}\n${text.length}\n${label ?? ''}\n${text}`;
    if (this.#clean.has(key)) return [];
    const findings = scan();
    if (findings.length > 0) return findings;
    if (this.#clean.size >= MOST_WORDS) this.#clean.clear();
    this.#clean.add(key);
    return findings;
  }

  get size(): number {
    return this.#known.size;
  }

  findings(scanner: Scanner, part: Part, scan: () => Finding[]): Finding[] {
    const { hash, policyRevision, maxParts, minLength = 256 } = this.#options;
    if (part.text.length < minLength) return this.#short(scanner, part, scan);
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
