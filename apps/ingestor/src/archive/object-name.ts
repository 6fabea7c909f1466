import { RaypherError } from '@raypher/shared';

/** Letters, digits, `-`, `_`, `.`, in parts with `/` between; no part begins with a dot. */
const NAME = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/;

/** @throws TypeError for a name that could lead out of the archive */
export function requireName(name: string): string {
  if (NAME.test(name)) return name;
  throw new TypeError(`${JSON.stringify(name)} is not the name of an object of the archive`);
}

/** Other bytes are there under a name whose content never changes. */
export function conflict(name: string, destination: string): RaypherError {
  return new RaypherError('archive/conflict', `The archive has something else under ${name}.`, {
    hint: 'Somebody wrote there, or it is the archive of another installation. Nothing was overwritten; look at both.',
    details: { name, destination },
  });
}
