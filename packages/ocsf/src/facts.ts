import type { LedgerEntry } from '@raypher/shared';
import type { OcsfObject } from './ocsf-event.ts';

/**
 * The `data` of an entry. What is taken out has found a home in the event; what is left goes to `unmapped`, so that
 * nothing is lost and nothing is said twice.
 */
export class Facts {
  readonly #left: Map<string, LedgerEntry['data'][string]>;

  constructor(data: LedgerEntry['data']) {
    this.#left = new Map(Object.entries(data));
  }

  /** A text that says something and, where that is asked, is fit. */
  text(name: string, isFit: (value: string) => boolean = () => true): string | undefined {
    const value = this.#left.get(name);
    if (typeof value !== 'string' || value === '' || !isFit(value)) return undefined;
    this.#left.delete(name);
    return value;
  }

  /** A whole number between the two, both included. */
  whole(name: string, least = 0, most: number = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.#left.get(name);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
      return undefined;
    }
    this.#left.delete(name);
    return value;
  }

  /** A list of texts, each of which says something. */
  list(name: string): string[] | undefined {
    const value = this.#left.get(name);
    // One that says nothing stays where it is.
    if (!Array.isArray(value) || value.length === 0 || value.includes('')) return undefined;
    this.#left.delete(name);
    return value;
  }

  /** Looks without taking. */
  is(name: string, value: string | boolean): boolean {
    return this.#left.get(name) === value;
  }

  get left(): OcsfObject {
    return Object.fromEntries(this.#left);
  }
}
