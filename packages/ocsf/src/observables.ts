import type { OcsfObject, OcsfValue } from './ocsf-event.ts';

/** Where the values are that people look for, and what OCSF numbers them as. */
const PLACES: readonly (readonly [path: string, type_id: number, type: string])[] = [
  ['device.hostname', 1, 'Hostname'],
  ['dst_endpoint.hostname', 1, 'Hostname'],
  ['dst_endpoint.ip', 2, 'IP Address'],
  ['actor.user.name', 4, 'User Name'],
  ['actor.process.user.name', 4, 'User Name'],
  ['process.name', 9, 'Process Name'],
  ['actor.process.name', 9, 'Process Name'],
];

/** Pointers to the values of an event by which events are joined. */
export function observablesOf(event: OcsfObject): OcsfObject[] {
  return PLACES.flatMap(([name, type_id, type]) => {
    const value = at(event, name.split('.'));
    return typeof value === 'string' ? [{ name, type_id, type, value }] : [];
  });
}

function at(object: OcsfObject, path: readonly string[]): OcsfValue | undefined {
  let value: OcsfValue | undefined = object;
  for (const part of path) {
    if (typeof value !== 'object' || Array.isArray(value)) return undefined;
    value = value[part];
  }
  return value;
}
