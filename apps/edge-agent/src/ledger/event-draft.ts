import type { LedgerEntry } from '@raypher/shared';

/** An event before the ledger gives it its place, its time and its owner. */
export type EventDraft = Pick<LedgerEntry, 'type' | 'severity' | 'actor' | 'action' | 'target' | 'data'> & {
  verdict?: LedgerEntry['verdict'];
  /**
   * What may have to be erased one day, such as masked samples: kept beside the entry, which only commits to it.
   * At most 16 KiB with its salt; what is larger is left out, and the entry says so.
   */
  private?: PrivateData;
};

/** A value of JSON. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type PrivateData = { readonly [key: string]: JsonValue };

/** The edge agent itself as the one who acted. */
export const EDGE_AGENT: LedgerEntry['actor'] = { kind: 'edge-agent', id: '', name: 'raypher' };

/**
 * Cuts strings to the lengths that the entry's schema allows. What comes from outside (paths, names,
 * arguments) may be of any length and may hold halves of surrogate pairs, which have no JSON form.
 */
export function fitDraft({ private: _, ...draft }: EventDraft): Omit<EventDraft, 'private'> {
  return {
    ...draft,
    actor: {
      ...draft.actor,
      id: cut(draft.actor.id, 128),
      name: cut(draft.actor.name, 256),
      ...(draft.actor.user === undefined ? {} : { user: cut(draft.actor.user, 128) }),
    },
    action: cut(draft.action, 128),
    target: cut(draft.target, 2048),
    ...(draft.verdict === undefined
      ? {}
      : {
          verdict: {
            ...draft.verdict,
            rule: cut(draft.verdict.rule, 128),
            reason: cut(draft.verdict.reason, 1000),
          },
        }),
    data: Object.fromEntries(
      Object.entries(draft.data).map(([key, value]) => [cut(key, 64), fitValue(value)]),
    ),
  };
}

/** The same event with its data cut short, for one whose entry would be too large. */
export function shortenDraft(draft: EventDraft): EventDraft {
  const short = Object.entries(draft.data).map(([key, value]) => {
    if (typeof value === 'string') return [key, cut(value, 256)];
    return [key, Array.isArray(value) ? value.slice(0, 8).map((item) => cut(item, 64)) : value];
  });
  return { ...draft, data: { ...Object.fromEntries(short), shortened: true } };
}

/** The same data without halves of surrogate pairs, which have no JSON form. */
export function wellFormed(data: PrivateData): Record<string, JsonValue> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key.toWellFormed(), wellFormedValue(value)]),
  );
}

function wellFormedValue(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number') return Number.isFinite(value) ? value : 0;
  if (typeof value !== 'object' || value === null) return value;
  return isList(value) ? value.map(wellFormedValue) : wellFormed(value);
}

/** Array.isArray does not tell readonly lists apart. */
function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function fitValue(value: EventDraft['data'][string]): EventDraft['data'][string] {
  if (typeof value === 'string') return cut(value, 4096);
  if (typeof value === 'number') return Number.isFinite(value) ? value : 0;
  if (typeof value === 'boolean') return value;
  return value.slice(0, 32).map((item) => cut(item, 512));
}

function cut(text: string, length: number): string {
  return (text.length <= length ? text : `${text.slice(0, length - 1)}…`).toWellFormed();
}
