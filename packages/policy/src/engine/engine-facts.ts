import { Facts } from '../facts.ts';
import { FIELDS, type FieldValue } from '../field.ts';
import { placeOf } from '../place.ts';
import type { ActionRequest } from '../request.ts';

/** A request in the form that engines of other languages read: the same facts that our conditions are about. */
export interface EngineFacts {
  /** The host or path, normalised; `undefined` where the action has none. */
  readonly place: string | undefined;
  /** By field name, with underscores for dots. Lists where there can be several. Absent: does not exist. */
  readonly facts: Readonly<Record<string, string | number | readonly string[]>>;
  /** Names of facts that exist and could not be learnt: policies that restrict ask for them. */
  readonly unreadable: readonly string[];
}

/** @returns `undefined` for a request whose host or path is not one: nothing may decide about it but a denial. */
export function engineFacts(request: ActionRequest): EngineFacts | undefined {
  const found = placeOf(request);
  if (!found.ok) return undefined;
  const context = new Facts(request, found.place);
  const facts: Record<string, string | number | readonly string[]> = {};
  const unreadable: string[] = [];
  FIELDS.forEach(({ name }, number) => {
    const key = name.replaceAll('.', '_');
    const value = DATA_FIELDS.has(name) ? dataValues(name, request) : context.get(number);
    if (value === null || (typeof value === 'number' && !Number.isFinite(value))) unreadable.push(key);
    // Other languages have whole numbers only: a cost is never rounded down.
    else if (value !== undefined) facts[key] = typeof value === 'number' ? Math.ceil(value) : value;
  });
  return { place: found.place, facts, unreadable };
}

const DATA_FIELDS: ReadonlySet<string> = new Set(['data.class', 'data.detector']);

/** Of all findings at once: these engines decide about the message, not about each finding. */
function dataValues(name: string, request: ActionRequest): FieldValue {
  if (!('findings' in request)) return undefined;
  return (
    request.findings?.map((finding) =>
      (name === 'data.class' ? finding.class : finding.detector).toLowerCase(),
    ) ?? null
  );
}
