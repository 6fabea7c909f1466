import type { ExportContext, OcsfObject } from './ocsf-event.ts';
import { present, said } from './ocsf-event.ts';

/** OCSF's `hostname_t`. */
export const HOSTNAME =
  /^([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9])(\.([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9]))*$/;

const SYSTEMS: ReadonlyMap<string, { name: string; type_id: number }> = new Map(
  Object.entries({
    windows: { name: 'Windows', type_id: 100 },
    win32: { name: 'Windows', type_id: 100 },
    linux: { name: 'Linux', type_id: 200 },
    macos: { name: 'macOS', type_id: 300 },
    darwin: { name: 'macOS', type_id: 300 },
  }),
);

/** The device that wrote the entry. Of its kind (server, laptop) nothing is known. */
export function deviceOf(id: string, about: ExportContext['device'], organisation: string): OcsfObject {
  return present({
    uid: id,
    type_id: 0,
    type: 'Unknown',
    ...namesOf(about?.hostname),
    os: systemOf(about?.os),
    org: { uid: organisation },
  });
}

/** The device as one end of a connection. */
export function sourceOf(id: string, about: ExportContext['device']): OcsfObject {
  return present({ uid: id, ...namesOf(about?.hostname) });
}

/** A name that is none of the Internet's is still a name. */
function namesOf(hostname: string | undefined) {
  if (hostname === undefined || hostname === '') return {};
  return HOSTNAME.test(hostname) ? { hostname } : { name: hostname };
}

function systemOf(os: string | undefined): OcsfObject | undefined {
  const name = said(os);
  if (name === undefined) return undefined;
  return SYSTEMS.get(name.toLowerCase()) ?? { name, type_id: 99 };
}
