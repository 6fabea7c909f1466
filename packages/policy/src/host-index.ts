import type { Destination } from './destination.ts';

/**
 * Finds the rules whose destinations hold a host without trying every rule. Each list holds rule numbers in
 * ascending order, which is the order of the document.
 */
export interface HostIndex {
  readonly exact: ReadonlyMap<string, readonly number[]>;
  /** Keyed by suffix, without the leading dot. */
  readonly suffix: ReadonlyMap<string, readonly number[]>;
  /** Rules for every host. */
  readonly any: readonly number[];
}

/** @param destinations of each rule in order; an absent list means every host. */
export function buildHostIndex(destinations: readonly (readonly Destination[] | undefined)[]): HostIndex {
  const exact = new Map<string, number[]>();
  const suffix = new Map<string, number[]>();
  const any: number[] = [];
  destinations.forEach((list, rule) => {
    for (const destination of list ?? [{ kind: 'any' } as const]) {
      if (destination.kind === 'any') append(any, rule);
      else if (destination.kind === 'exact') append(listFor(exact, destination.host), rule);
      else append(listFor(suffix, destination.suffix), rule);
    }
  });
  return Object.freeze({ exact, suffix, any: Object.freeze(any) });
}

/**
 * The number of the first rule whose destinations hold `host` and that passes `test`; -1 when there is none.
 *
 * @param host in canonical form.
 */
export function firstMatch(index: HostIndex, host: string, test: (rule: number) => boolean): number {
  let best = earliest(index.any, -1, test);
  best = earliest(index.exact.get(host), best, test);
  if (index.suffix.size === 0) return best;
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
    best = earliest(index.suffix.get(host.slice(dot + 1)), best, test);
  }
  return best;
}

/** The earliest passing rule of a list if it comes before `best`, else `best`. */
function earliest(
  rules: readonly number[] | undefined,
  best: number,
  test: (rule: number) => boolean,
): number {
  if (rules === undefined) return best;
  for (const rule of rules) {
    if (best !== -1 && rule >= best) return best;
    if (test(rule)) return rule;
  }
  return best;
}

function listFor(map: Map<string, number[]>, key: string): number[] {
  const known = map.get(key);
  if (known !== undefined) return known;
  const list: number[] = [];
  map.set(key, list);
  return list;
}

function append(list: number[], rule: number): void {
  if (list.at(-1) !== rule) list.push(rule);
}
