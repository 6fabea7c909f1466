import {
  type Entity,
  type EntityRecogniser,
  enrichInspection,
  entityFinding,
  GUESSED_ENTITIES,
  type Inspection,
} from '@raypher/dlp';
import type { DataFinding } from '@raypher/policy';
import type { PolicyInForce } from '../proxy/proxy-context.ts';

/** What recognisers find, as policies are asked about it. */
export const GUESSES: readonly DataFinding[] = GUESSED_ENTITIES.map((type) => {
  const { category, detector } = entityFinding({ type, start: 0, end: 0, score: 0 });
  return { class: category, detector };
});

/** What looks for names, and what it may take. */
export interface NameSource {
  readonly recogniser: EntityRecogniser;
  /** How long a message waits for it, ms. */
  readonly budgetMs: number;
  /** How often something weaker answered in its place so far. */
  readonly failures: () => number;
}

/** Looks for names, addresses and organisations in what is sent to models, where policy says something about them. */
export class Names {
  readonly #source: NameSource;
  #looked = 0;
  #left = 0;

  constructor(source: NameSource) {
    this.#source = source;
  }

  /** Parts of messages since the start: those that were looked at, and those that time did not suffice for. */
  get counts(): { looked: number; unrecognised: number } {
    return { looked: this.#looked, unrecognised: this.#left };
  }

  /** Tells what looked through a message apart: without names another version than with them. */
  version({ data, policy }: { data: { scanner: { version: string } }; policy: PolicyInForce }): string {
    const { version } = data.scanner;
    return this.isAskedFor(policy) ? `${version} ${this.#source.recogniser.name}` : version;
  }

  isAskedFor(policy: Pick<PolicyInForce, 'asksAbout'>): boolean {
    return GUESSES.some((guess) => policy.asksAbout('out', guess));
  }

  /**
   * Adds what is found to a message that was inspected.
   *
   * @returns how many of its parts were not looked at, or only by something weaker
   */
  async addTo(inspection: Pick<Inspection<unknown>, 'parts'>, signal: AbortSignal): Promise<number> {
    const { recogniser, budgetMs, failures } = this.#source;
    const before = failures();
    const { looked, left } = await enrichInspection(inspection, recogniser, { budgetMs, signal });
    this.#looked += looked;
    this.#left += left;
    return left + (failures() - before);
  }
}

/** Texts whose names are remembered: a transcript is sent again with every call. */
const MOST_TEXTS = 20_000;

/**
 * Remembers what was recognised in texts, for those who hand over the same ones again. Texts themselves are not kept.
 *
 * @param hash keyed, of this process alone
 */
export function remembering(recogniser: EntityRecogniser, hash: (text: string) => string): EntityRecogniser {
  const known = new Map<string, readonly Entity[]>();
  return {
    name: recogniser.name,
    async recognise(texts, signal) {
      const keys = texts.map(hash);
      const missing = new Map<string, string>();
      for (const [index, text] of texts.entries()) {
        const key = keys[index];
        if (key !== undefined && !known.has(key)) missing.set(key, text);
      }
      const lists = missing.size === 0 ? [] : await recogniser.recognise([...missing.values()], signal);
      const fresh = new Map([...missing.keys()].map((key, index) => [key, lists[index] ?? []]));
      const answer = keys.map((key) => known.get(key) ?? fresh.get(key) ?? []);
      for (const [index, key] of keys.entries()) {
        known.delete(key);
        known.set(key, answer[index] ?? []);
      }
      for (const [oldest] of known) {
        if (known.size <= MOST_TEXTS) break;
        known.delete(oldest);
      }
      return answer.map((entities) => [...entities]);
    },
  };
}
