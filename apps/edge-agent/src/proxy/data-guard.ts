import { hash, randomBytes } from 'node:crypto';
import {
  type CustomRule,
  createPlaceholders,
  createScanner,
  DETECTORS,
  hmacSha256,
  IDENTIFIERS,
  type InspectOptions,
  inspectUrl,
  type KeyedHash,
  LruVerdictCache,
  type Placeholders,
  type PlaceholderVault,
  type Scanner,
  type StreamScannerOptions,
} from '@raypher/dlp';
import { CleanHeads } from './clean-heads.ts';
import { maskedText } from './inspect-outgoing.ts';
import { maskPath } from './network-event.ts';

/** White space may be part of what the pattern finds. */
const MAY_SPAN_WORDS = /\s|\\s|\\W|\\D|\.|\[\^/;

/** What a model is told instead of data, and what that data was, for one AI agent. */
export interface PlaceholderScope {
  readonly placeholders: Placeholders;
  readonly vault: PlaceholderVault & { readonly size: number };
}

/** What a policy wants looked for beside what always is. */
export interface LookedFor {
  readonly detectors: readonly CustomRule[];
  /** Addresses of machines, links and dates. */
  readonly identifiers: boolean;
  /** Addresses of roles, lists and authors. */
  readonly publishedAddresses: boolean;
}

/** Message parts whose findings are remembered: a transcript of several hundred messages is scanned once. */
const REMEMBERED_PARTS = 20_000;
/** AI agents whose placeholders can be put back. */
const MOST_SCOPES = 256;
/** The same few paths come with nearly every call. */
const MOST_PATHS = 512;
const MOST_MODELS = 512;
/** Characters; the longest that providers have are half as long. */
const LONGEST_MODEL = 256;
/** Values of one AI agent that can be put back. */
const MOST_VALUES = 10_000;

/**
 * Looks for sensitive data in what passes the proxy. What was taken out can be put back only while this process
 * lives: the values are in memory and nowhere else.
 */
export class DataGuard {
  /** HMAC-SHA-256 under a key of this device, hex: the same data is recognised again, not recovered. */
  readonly hash: KeyedHash;
  /** Targets and headers that need no second look. */
  readonly cleanHeads = new CleanHeads();
  readonly #cache: LruVerdictCache;
  readonly #scopes = new Map<string, PlaceholderScope>();
  #scanner = createScanner();
  #custom: readonly CustomRule[] = [];
  /** What the scanner was made of. */
  #used = '';
  /** Paths in which nothing was found. */
  readonly #paths = new Map<string, string>();
  /** Names of models in which nothing was found. */
  readonly #models = new Set<string>();

  /** @param key 32 bytes that stay the same over restarts, so that placeholders do too */
  constructor(key: Uint8Array) {
    this.hash = hmacSha256(key);
    // Of this process alone: what is remembered of a text must not be a way to test for it.
    const cacheKey = randomBytes(32).toString('base64');
    this.#cache = new LruVerdictCache({
      // A key in front is enough where nobody sees the hash; preparing an HMAC takes longer than hashing a message.
      hash: (text) => hash('sha256', cacheKey + text, 'base64'),
      // What is remembered are findings; what is done about them is decided anew each time.
      policyRevision: () => '',
      maxParts: REMEMBERED_PARTS,
      minLength: 48,
    });
  }

  get scanner(): Scanner {
    return this.#scanner;
  }

  /** Looks for what policy wants from now on. @throws TypeError when one cannot be compiled; all stay as they were */
  use({ detectors: custom, identifiers, publishedAddresses }: LookedFor): void {
    const used = JSON.stringify([custom, identifiers, publishedAddresses]);
    if (used === this.#used) return;
    this.#scanner = createScanner({
      custom,
      detectors: identifiers ? [...DETECTORS, ...IDENTIFIERS] : DETECTORS,
      publishedAddresses: publishedAddresses ? 'find' : 'skip',
    });
    this.#paths.clear();
    this.#models.clear();
    this.#custom = custom;
    this.#used = used;
  }

  /** How a stream has to be held back for the rules that users wrote. */
  get streamOptions(): Pick<StreamScannerOptions, 'scanner' | 'holdBack' | 'phrases'> {
    const spansWords = this.#custom.some(
      (rule) => rule.kind === 'pattern' && MAY_SPAN_WORDS.test(rule.pattern),
    );
    return {
      scanner: this.#scanner,
      holdBack: spansWords ? 'window' : 'shape',
      phrases: this.#custom.flatMap((rule) =>
        rule.kind === 'dictionary' ? rule.phrases.filter((phrase) => /\s/.test(phrase)) : [],
      ),
    };
  }

  get options(): InspectOptions {
    return { scanner: this.#scanner, cache: this.#cache };
  }

  /**
   * A path as it may be recorded and shown: without query, credentials of any shape, and data that a detector finds,
   * whatever policy says about it.
   */
  recordedPath(path: string): string {
    const plain = path.split(/[?#]/, 1)[0] ?? '';
    const known = this.#paths.get(plain);
    if (known !== undefined) return known;
    const { content } = inspectUrl(plain, this.options).rewrite(() => '***');
    const recorded = maskPath(content);
    if (this.#paths.size >= MOST_PATHS) this.#paths.clear();
    // Only what was clean is remembered: what was not is to be forgotten.
    if (recorded === plain) this.#paths.set(plain, recorded);
    return recorded;
  }

  /**
   * The name of a model as it may be recorded and shown. Whoever calls writes it: it may be long, and it may be data.
   *
   * @param name `null`: there is one, and it could not be learnt
   */
  recordedModel<Name extends string | null | undefined>(name: Name): Name | string {
    if (typeof name !== 'string' || this.#models.has(name)) return name;
    // Further than what is shown, so that data does not go unseen for being cut.
    const recorded = maskedText(name, this.#scanner.scan(name.slice(0, 4 * LONGEST_MODEL)), LONGEST_MODEL);
    if (this.#models.size >= MOST_MODELS) this.#models.clear();
    // As with paths; what is as it was is also short.
    if (recorded === name) this.#models.add(name);
    return recorded;
  }

  /** @param id of an AI agent: what one hands over is not put back into answers to another */
  scope(id: string): PlaceholderScope {
    const known = this.#scopes.get(id) ?? this.#open();
    // The least recently used goes first.
    this.#scopes.delete(id);
    this.#scopes.set(id, known);
    if (this.#scopes.size > MOST_SCOPES) {
      const [oldest] = this.#scopes.keys();
      if (oldest !== undefined) this.#scopes.delete(oldest);
    }
    return known;
  }

  /** Placeholders that nothing can be put back from. */
  get irreversible(): Placeholders {
    return createPlaceholders({ hash: this.hash });
  }

  #open(): PlaceholderScope {
    const vault = new BoundedVault();
    return { vault, placeholders: createPlaceholders({ hash: this.hash, vault }) };
  }
}

/** Forgets the oldest values; their placeholders then stay in the answers as they are. */
class BoundedVault implements PlaceholderVault {
  readonly #values = new Map<string, string>();

  get size(): number {
    return this.#values.size;
  }

  get(placeholder: string): string | undefined {
    return this.#values.get(placeholder);
  }

  set(placeholder: string, value: string): void {
    this.#values.set(placeholder, value);
    if (this.#values.size <= MOST_VALUES) return;
    const [oldest] = this.#values.keys();
    if (oldest !== undefined) this.#values.delete(oldest);
  }
}
