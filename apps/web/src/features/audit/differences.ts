/** One value that differs; absent on the side where it does not exist. */
export interface Difference {
  /** `documents[0].source`; empty for the value itself. */
  path: string;
  before?: string;
  after?: string;
}

/**
 * What differs between two JSON values, leaf by leaf, in the order of their keys.
 *
 * @example differences({ role: 'admin' }, { role: 'auditor' }) // [{ path: 'role', before: 'admin', after: 'auditor' }]
 */
export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (Object.is(before, after)) return [];
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) =>
      differences(before[name], after[name], join(path, name, Array.isArray(after))),
    );
  }
  // A value that came or went is told leaf by leaf too, so that a new object reads like a changed one.
  if (isContainer(after) && isNothing(before) && Object.keys(after).length > 0)
    return differences(Array.isArray(after) ? [] : {}, after, path);
  if (isContainer(before) && isNothing(after) && Object.keys(before).length > 0)
    return differences(before, Array.isArray(before) ? [] : {}, path);
  return [{ path, ...side('before', before), ...side('after', after) }];
}

/** Arrays count as objects with number keys. */
function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function side(name: 'before' | 'after', value: unknown): Partial<Difference> {
  if (value === undefined) return {};
  return { [name]: typeof value === 'string' ? value : JSON.stringify(value) };
}

function join(path: string, name: string, isIndex: boolean): string {
  if (isIndex) return `${path}[${name}]`;
  return path === '' ? name : `${path}.${name}`;
}
