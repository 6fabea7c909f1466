import { FIELDS, type Field, type FieldValue, type Readable } from './field.ts';
import type { DataFinding } from './request.ts';

/** `unreadable`: the fact exists but could not be learnt. */
export type MatchResult = 'yes' | 'no' | 'unreadable';

const fields: readonly Field[] = FIELDS;
const DATA_FIELDS = [FIELDS.findIndex(isOf('data.class')), FIELDS.findIndex(isOf('data.detector'))];

/** What a `Date` can hold (ECMA-262 §21.4.1.1). */
const MAX_TIME = 8.64e15;

/** Marks a fact that was not read yet: every value, `undefined` and `null` included, is an answer. */
const UNREAD = Symbol('unread');

/**
 * A request's facts in the form that conditions compare. Each is read and folded once per decision, and only
 * if a rule asks for it.
 */
export class Facts {
  readonly request: Readable;
  /** The host or path that is acted on, normalised. */
  readonly place: string | undefined;
  readonly #values: (FieldValue | typeof UNREAD)[];
  #finding = 0;
  #at: number | undefined;

  constructor(request: Readable, place: string | undefined) {
    this.request = request;
    this.place = place;
    this.#values = new Array<typeof UNREAD>(fields.length).fill(UNREAD);
  }

  get(field: number): FieldValue {
    const known = this.#values[field];
    if (known !== UNREAD) return known;
    const value = fields[field]?.read(this.request, this.place, this.#finding);
    this.#values[field] = value;
    return value;
  }

  /** Milliseconds since 1970; the same for the whole decision. */
  get at(): number {
    const { at } = this.request;
    this.#at ??= at !== undefined && Math.abs(at) <= MAX_TIME ? at : Date.now();
    return this.#at;
  }

  /** The finding of a data request whose facts these are. */
  get finding(): DataFinding | undefined {
    return this.request.findings?.[this.#finding];
  }

  /** Makes the facts those of one finding of a data request. */
  select(finding: number): void {
    this.#finding = finding;
    for (const field of DATA_FIELDS) this.#values[field] = UNREAD;
  }
}

function isOf(name: string): (field: Field) => boolean {
  return (field) => field.name === name;
}
